"""Reading and writing the workflow files of the field."""
