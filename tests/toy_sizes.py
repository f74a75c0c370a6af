"""Sizes of the configs' networks with which a test trains them in seconds."""

TOY = {
    "vae_gan": ["width=8", "encoder=8", "content=3", "style=4", "dilations=[1,2]"],
    "vae_gan_original": ["width=8", "encoder=8", "content=3", "style=4", "step=8"],
    "vae_gan_gpu": ["width=8", "encoder=8", "content=3", "style=4"],
    "draw": ["width=8", "dilations=[1]", "hidden=8", "latent=2", "glimpses=2", "grid=4"],
    "draw_original": ["hidden=8", "latent=2", "glimpses=2", "grid=4"],
    "draw_gpu": ["width=8", "hidden=8", "latent=2", "glimpses=2"],
    "cyclegan": ["width=8", "depth=[1,2]"],
    "cyclegan_original": ["width=4", "depth=[1]"],
    "cyclegan_gpu": ["width=8", "depth=[1]"],
}
JUDGES = {name: ["widths=[8,8,8,8]"] for name in ("vae_gan_gpu", "cyclegan_original", "cyclegan_gpu")}


def toy(name: str) -> list[str]:
    """Changes of a config that make its networks small; none for one that is small."""
    sizes = [f"model.init_args.{size}" for size in TOY.get(name, ())]
    return sizes + [f"module.init_args.{size}" for size in JUDGES.get(name, ())]
