"""Imports (导入): tables of leads, customers and contacts, with a dry run, a rule for what is there already, and an undo.

Reading order: `columns` (what a table may hold), `cells`, `csv_tables`, `workbooks` (reading), `rows` (a row becomes values),
`reader` (all this in a process of its own), `imports` (the table and its life), `running`, `standing`, `planning`, `writing`,
`new_records`, `undoing`.
"""
