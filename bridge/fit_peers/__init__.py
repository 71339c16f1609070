"""Other packages beside our fits: eFEL measures them, sbi infers in their place."""
