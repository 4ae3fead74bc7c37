"""What to expect next, and whether saying so is worth more than last month's map."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "density": "density_models",
        "following": "near_repeat_model",
        "near_repeats": "near_repeat_model",
        "offered": "checked_forecast",
        "repeats": "near_repeat_model",
    },
)
