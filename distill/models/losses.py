"""Training losses of the RVQ-VAE and of the continuous baseline."""

import torch.nn.functional as F
from torch import Tensor

from distill.errors import ConfigError


def mel_l1(recon: Tensor, mel: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute the mean absolute difference of two log-mels.

    Parameters
    ----------
    recon, mel : Tensor [B, 1, bands, T]
        Natural-log mel spectrograms.
    mask : Tensor [B, 1, 1, T], optional
        Weight of each frame, 0 to 1: 1 for sound, 0 for padding. Without a mask, every frame counts as sound.

    Returns
    -------
    Tensor, scalar
        Difference in nepers; 0.1 neper is 0.87 dB.

    Examples
    --------
    >>> import torch
    >>> mel = torch.zeros(1, 1, 128, 4)
    >>> mel_l1(mel + 0.5, mel).item()
    0.5
    """
    difference = (recon - mel).abs()
    if mask is None:
        return difference.mean()
    return (difference * mask).sum() / (mask.sum() * mel.shape[2]).clamp(min=1e-8)


def multi_scale_mel_loss(recon: Tensor, mel: Tensor, mask: Tensor | None = None) -> Tensor:
    """Compute the mean of :func:`mel_l1` at full, half and quarter resolution.

    The coarse scales use average pooling. They compare the level of an area, and tolerate a detail that is one band or
    one frame off. The idea corresponds to the multi-resolution spectral loss of waveforms (Yamamoto et al., "Parallel
    WaveGAN", 2020, eq. 6).

    Parameters
    ----------
    recon, mel : Tensor [B, 1, bands, T]
        Natural-log mel spectrograms. A clip of fewer than 4 frames is compared at fewer scales.
    mask : Tensor [B, 1, 1, T], optional
        1 for sound, 0 for padding. The weight of a pooled position is its share of sound. Padding is replaced by the
        target, so padding adds nothing at any scale.

    Returns
    -------
    Tensor, scalar
        Loss in nepers.

    Examples
    --------
    >>> import torch
    >>> mel = torch.zeros(1, 1, 128, 4)
    >>> checks = torch.tensor([1.0, -1.0]).expand(1, 1, 128, 2).repeat(1, 1, 1, 2)  # nothing is left of it when pooled
    >>> round(multi_scale_mel_loss(mel + checks, mel).item(), 4)
    0.3333
    """
    if mask is not None:
        recon = recon * mask + mel * (1 - mask)
    total, scales = mel_l1(recon, mel, mask), 1
    for _ in range(2):
        if min(recon.shape[-2:]) < 2:
            break
        recon, mel = F.avg_pool2d(recon, 2), F.avg_pool2d(mel, 2)
        mask = None if mask is None else F.avg_pool2d(mask, (1, 2))
        total, scales = total + mel_l1(recon, mel, mask), scales + 1
    return total / scales


def vqvae_loss(
    recon: Tensor, mel: Tensor, commit_loss: Tensor, commitment_weight: float = 0.25, mask: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the loss of the RVQ-VAE: the reconstruction loss plus one commitment loss.

    van den Oord, Vinyals & Kavukcuoglu, "Neural Discrete Representation Learning", 2017, eq. 3, without its codebook
    term. Instead, each codebook entry is an exponential moving average of its cells (appendix A.1).

    Parameters
    ----------
    recon, mel : Tensor [B, 1, bands, T]
        Natural-log mel spectrograms.
    commit_loss : Tensor, scalar
        Unweighted commitment loss, as :class:`~distill.models.ConvVQVAE` returns it.
    commitment_weight : float
        The beta of eq. 3. No other function applies this weight.
    mask : Tensor [B, 1, 1, T], optional
        1 for sound, 0 for padding.

    Returns
    -------
    total, recon_loss, commit : Tensor, scalar
        ``total = recon_loss + commit``; ``commit`` is the weighted commitment loss.

    Examples
    --------
    >>> import torch
    >>> mel = torch.zeros(1, 1, 128, 4)
    >>> total, recon_loss, commit = vqvae_loss(mel + 1, mel, torch.tensor(0.5), commitment_weight=0.25)
    >>> total.item(), recon_loss.item(), commit.item()
    (1.125, 1.0, 0.125)
    """
    recon_loss = multi_scale_mel_loss(recon, mel, mask)
    commit = commitment_weight * commit_loss
    return recon_loss + commit, recon_loss, commit


def compute_kl_divergence(mu: Tensor, logvar: Tensor, free_bits: float = 0.0) -> Tensor:
    """Compute the KL divergence of N(mu, exp(logvar)) from N(0, 1).

    Kingma & Welling, "Auto-Encoding Variational Bayes", 2013, appendix B; free bits as in Kingma et al., "Improved
    Variational Inference with Inverse Autoregressive Flow", 2016, eq. 15.

    Parameters
    ----------
    mu, logvar : Tensor [B, D, H, W]
        Mean and natural-log variance of the posterior.
    free_bits : float
        Lower limit of the divergence, in nats per latent channel and cell, at least 0. Below this limit the loss has no
        gradient.

    Returns
    -------
    Tensor, scalar
        Divergence in nats per latent channel and cell, averaged over the batch.

    Examples
    --------
    >>> import torch
    >>> mu = torch.ones(1, 2, 8, 4)
    >>> compute_kl_divergence(mu, torch.zeros_like(mu)).item()
    0.5
    """
    per_channel = 0.5 * (mu.square() + logvar.exp() - 1 - logvar).mean(dim=(0, 2, 3))
    return per_channel.clamp(min=free_bits).mean()


def get_kl_weight(epoch: int, warmup_epochs: int, max_weight: float = 1.0) -> float:
    """Compute the KL weight of the baseline during its linear warm-up.

    After Bowman et al., "Generating Sentences from a Continuous Space", 2016, sec. 3.1.

    Parameters
    ----------
    epoch : int
        Number of finished epochs, at least 0.
    warmup_epochs : int
        Number of epochs until the weight reaches its maximum; 0 for no warm-up.
    max_weight : float
        Weight after the warm-up.

    Raises
    ------
    ConfigError
        If ``epoch`` or ``warmup_epochs`` is negative.

    Examples
    --------
    >>> [get_kl_weight(epoch, warmup_epochs=4) for epoch in (0, 1, 4, 9)]
    [0.0, 0.25, 1.0, 1.0]
    """
    if epoch < 0 or warmup_epochs < 0:
        raise ConfigError(f"epoch and warmup_epochs must not be negative, got {epoch} and {warmup_epochs}.")
    return max_weight * min(1.0, epoch / warmup_epochs) if warmup_epochs else max_weight


def vae_loss(
    recon: Tensor, mel: Tensor, mu: Tensor, logvar: Tensor, kl_weight: float = 1e-3, free_bits: float = 0.05
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the loss of the continuous baseline: squared and absolute error plus the weighted KL divergence.

    Parameters
    ----------
    recon, mel : Tensor [B, 1, bands, T]
        Natural-log mel spectrograms.
    mu, logvar : Tensor [B, D, H, W]
        Mean and natural-log variance of the posterior.
    kl_weight, free_bits : float
        Weight of the divergence (see :func:`get_kl_weight`) and its lower limit (see :func:`compute_kl_divergence`).

    Returns
    -------
    total, recon_loss, kl : Tensor, scalar
        ``total = recon_loss + kl_weight * kl``.

    Examples
    --------
    >>> import torch
    >>> mel, mu = torch.zeros(1, 1, 128, 4), torch.ones(1, 2, 8, 4)
    >>> total, recon_loss, kl = vae_loss(mel + 1, mel, mu, torch.zeros_like(mu), kl_weight=0.5)
    >>> total.item(), recon_loss.item(), kl.item()
    (2.25, 2.0, 0.5)
    """
    recon_loss = F.mse_loss(recon, mel) + F.l1_loss(recon, mel)
    kl = compute_kl_divergence(mu, logvar, free_bits)
    return recon_loss + kl_weight * kl, recon_loss, kl
