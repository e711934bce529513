-- Each partition waits for ACCESS EXCLUSIVE on events, and keeps it until the last one is made.

SELECT create_event_partitions('2027-01-01', 6);
