"""Data flows one way: each layer imports only what stands to its right."""

from importlinter.cli import lint_imports


def test_each_layer_imports_only_what_stands_below_it(capsys):
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0, capsys.readouterr().out
