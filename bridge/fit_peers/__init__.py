"""What fits are held against: known neurons, eFEL, and sbi, which infers in their place."""
