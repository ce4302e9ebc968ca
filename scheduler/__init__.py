"""Time: jobs, reminders and the loop that fires them."""
