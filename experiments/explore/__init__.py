"""The explorer: one page of HTML on which a person tries what this project describes."""
