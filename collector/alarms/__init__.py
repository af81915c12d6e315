"""From a reading to a condition and an incident: rules, latching, verification, silence, disablement."""
