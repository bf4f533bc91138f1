"One rank of kvae-train under torchrun; the second is told something else, or runs another version of the package."
import os
import sys

import numpy as np

from kvae_nb.data import five_modes
from kvae_nb.runs import training
from kvae_nb.train import main

if __name__ == "__main__":
    what, out = sys.argv[1:]
    second = os.environ["RANK"] == "1"
    data = f"{out}-{os.environ['RANK']}.npy"
    np.save(data, five_modes(300, seed=int(second and what == "data"))[0])
    if second and what == "kvae_nb": training.__version__ = "0.0.1"
    seed = second and what == "seed"
    sys.argv = ["kvae-train", "--data", data, "--k", "4", "--seed", str(int(seed)), "--n_iters", "2", "--out", out]
    main()
