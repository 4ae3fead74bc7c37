"""Tables before their columns mean anything: text, Parquet, workbooks, layers and frames."""
