"""Knowing your data: from a messy file to arrays, by rules to read, replay and undo.

`read_table` reads what the file says, `propose` and `clean` make it a clean table by logged rules,
`Cleaner` and `Encoder` are the same as scikit-learn transformers, `assess` says whether the data
support a model, and `train` goes the whole way.
"""

from __future__ import annotations

from ann.data.cleaning.cleaner import Cleaner
from ann.data.cleaning.propose import propose
from ann.data.cleaning.replay import Cleaned, clean, typed
from ann.data.cleaning.rules import Rule
from ann.data.cleaning.schema import ColumnSchema, Rules
from ann.data.encoding.encoder import Encoder, table_pipeline
from ann.data.errors import (
    ReadError,
    SchemaError,
    SplitError,
    TableError,
    TargetError,
    UnusableTargetError,
)
from ann.data.files.reading import RawTable, TableFile, read_table
from ann.data.judging.assess import assess
from ann.data.judging.splitting import Split, split_rows
from ann.data.judging.verdict import Reason, Verdict
from ann.data.log import Log, Step
from ann.data.report.page import render, write_report
from ann.data.report.profiling import Profile, profile, profile_file
from ann.data.workflow import Trained, clean_file, train

__all__ = [
    "Cleaned",
    "Cleaner",
    "ColumnSchema",
    "Encoder",
    "Log",
    "Profile",
    "RawTable",
    "ReadError",
    "Reason",
    "Rule",
    "Rules",
    "SchemaError",
    "Split",
    "SplitError",
    "Step",
    "TableError",
    "TableFile",
    "TargetError",
    "Trained",
    "UnusableTargetError",
    "Verdict",
    "assess",
    "clean",
    "clean_file",
    "profile",
    "profile_file",
    "propose",
    "read_table",
    "render",
    "split_rows",
    "table_pipeline",
    "train",
    "typed",
    "write_report",
]
