from .kit.registry import Context as Context
from .kit.registry import Experiment as Experiment
from .kit.registry import all_experiments as all_experiments
from .kit.registry import find as find
from .kit.result import Result as Result
from .kit.result import Verdict as Verdict
