import torch
from . import start
def _plain(x, s, seeds): return torch.stack(start._parts(x, s, seeds)).to(x.device), {}
kmeans_start = latent_start = _plain
def portfolio_start(x, s, seeds):
    parts, report = start._reported(x, s.init, s.n_components, seeds)
    return parts.to(x.device), report
def graph_start(x, s, seeds): return portfolio_start(x, s, seeds)
graph_start.copies = 6
portfolio_start.has_tree = True
