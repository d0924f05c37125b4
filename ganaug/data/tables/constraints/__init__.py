"""Constraints: what holds in every row of a table, beyond what each column holds by itself.

===================  ==========================================  =====================
kind                 example                                     module
===================  ==========================================  =====================
joint choice         the country follows from the city           `joint_choices`
order                admission never exceeds discharge           `orders`
ordered difference   discharge is learned as a length of stay    `ordered_differences`
line                 fahrenheit = 1.8 * celsius + 32             `lines`
formula              total = price * quantity                    `formulas`
===================  ==========================================  =====================

`declared` holds those that the user declares or switches off, `enforcement` decides which orders can be promised,
`difference_detection` decides which columns are learned as ordered differences, and
`computed_columns` joins declared formulas and those that are found.

To add a constraint on columns of numbers, write a module with a subclass of `ColumnConstraint`, which encodes and
decodes, and a function that detects its instances, and add one line to `Constraints.detect`. Training, export and the
model file need no change.
"""
