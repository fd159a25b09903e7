"""What is known of a sound frame by frame, and of a whole sound: tracks and fields, for `outputs.Condition`."""
