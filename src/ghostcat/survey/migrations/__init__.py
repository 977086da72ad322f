"""Steps from one schema to the next, run by `ghostcat.survey.database.migrate`."""
