"""Networks: tensors in, tensors out, one file each. Floor 1."""
