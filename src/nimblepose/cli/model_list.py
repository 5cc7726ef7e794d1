"""`nimblepose model list`: which models there are, and which of them are here."""


def model_list() -> None:
    """Print the models that can be asked for by name, those to start trainings from too, and which of them are here.

    Examples:
        nimblepose model list
    """
    from rich.console import Console
    from rich.table import Table

    from nimblepose.runtime.models import DEFAULT_MODEL, MODELS, PACKAGED, STARTS, find_cache_folder, find_cached

    table = Table("name", "what", "licence", "MB", "here")
    for name, packaged in (PACKAGED | STARTS).items():
        default = " (default)" if name == DEFAULT_MODEL else ""
        size = f"{packaged.path.stat().st_size / 1e6:.1f}" if packaged.path.is_file() else "?"
        state = "in the package" if packaged.is_intact() else "DAMAGED: install nimblepose again"
        table.add_row(name + default, packaged.description, packaged.licence, size, state)
    for name, model in MODELS.items():
        here = "yes" if find_cached(model) else "no"
        table.add_row(name, model.description, model.licence, f"{model.size / 1e6:.1f}", here)
    console = Console()
    console.print(table)
    console.print(f"cache: {find_cache_folder()}", markup=False, soft_wrap=True)
