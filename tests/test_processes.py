"Several processes: forked after the parent has used threads, spawned, and joblib's; all find what the parent found."
import sys

import pytest

from project import call

SCRIPT = """
import multiprocessing, sys, tempfile, warnings
import joblib
import numpy as np
import torch
from kvae_nb import KVAE

warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(3000, 200))

def work(threads=1):
    "Fit, save, load and predict"
    quick = dict(n_init=1, n_iters=1, pretrain_steps=20, refine_steps=0)
    torch.set_num_threads(threads)
    model = KVAE(3, recipe="paper", random_state=0, verbose=False, **quick).fit(X)
    with tempfile.TemporaryDirectory() as d:
        model.save(f"{d}/run")
        return KVAE.load(f"{d}/run").predict(X)

def joblib_pool(): return joblib.Parallel(n_jobs=2)(joblib.delayed(work)() for _ in range(2))[1]
def pool(kind):
    with multiprocessing.get_context(kind).Pool(1) as processes: return processes.apply_async(work, [2]).get(100)

if __name__ == "__main__":
    expected = work(2)
    found = joblib_pool() if sys.argv[1] == "loky" else pool(sys.argv[1])
    assert (found == expected).mean() > .99
"""


@pytest.mark.parametrize("kind", ["fork", "spawn", "loky"])
def test_another_process_finds_the_same(kind, tmp_path):
    if kind == "fork" and sys.platform != "linux": pytest.skip("forked where that is how processes begin")
    (tmp_path/"script.py").write_text(SCRIPT)
    call(sys.executable, tmp_path/"script.py", kind)


STEPPER = """
import time
import numpy as np
from kvae_nb.widgets import Stepper

stepper = Stepper(np.random.default_rng(0).normal(size=(2000, 2)), n_components=3)
"""


@pytest.mark.parametrize("more", ["", "stepper.session.run(); time.sleep(1)"], ids=["made", "running"])
def test_a_process_ends_with_its_stepper(more):
    "Its thread is ended and waited for; a thread inside of torch would abort the process"
    call(sys.executable, "-c", STEPPER + more)
