"""From a recipe and a catalogue to a trained, calibrated model folder."""
