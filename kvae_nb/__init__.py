__version__ = "0.1.0"

from . import saving
from .estimator import KVAE
