__version__ = "0.1.0"

from .runs import saving
from .estimator import KVAE
