"""CycleGAN on piano rolls: bars of one genre as those of another, learnt from unpaired pieces. Floor 4.

Source: Brunner, Wang, Wattenhofer, Zhao, "Symbolic music genre transfer with CycleGAN", ICTAI 2018.
"""
