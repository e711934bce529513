"""Plans as text for people: pure functions of the plan. JSON is the saved plan itself (`plan.codec`)."""
