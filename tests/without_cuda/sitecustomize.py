"""Lets torchvision be imported beside a torch without CUDA, but without its compiled operators.

open_clip does not use them. Python runs this file at its start, if the folder is on PYTHONPATH.
"""

import sys
import types

sys.modules.setdefault("torchvision._meta_registrations", types.ModuleType("torchvision._meta_registrations"))
