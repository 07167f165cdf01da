"""How the C library keeps the memory that a training step frees."""

from __future__ import annotations

__all__ = ["keep_memory"]


def keep_memory() -> bool:
    """Let glibc's malloc keep freed memory for the next training step; False where it is not used.

    A step frees and asks again for tensors of tens of megabytes. By default each comes fresh from
    the system, page by page, zeroed: about a fifth of a step's time for GoogLeNet on a CPU.
    """
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4  # names and numbers of malloc.h
    settings = ((m_mmap_max, 0), (m_trim_threshold, 2**31 - 1), (m_top_pad, 64 << 20))
    try:
        import ctypes

        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 (other C libraries number their options otherwise)
        return all([libc.mallopt(option, value) == 1 for option, value in settings])
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
