"""What the ending of a file's name says of it, in small letters."""

HEIC_SUFFIXES = (".heic", ".heif", ".hif")
PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".insp", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif",
    ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif", *HEIC_SUFFIXES,
)  # fmt: skip
PROXY_SUFFIXES = (".lrv", ".lrf")  # cameras write the same video beside it, smaller: not taken with a folder
VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".m2v", ".ts", ".m2ts", ".mts", ".wmv",
    ".flv", ".3gp", ".ogv", ".vob", ".mxf", ".y4m", ".h264", ".h265", ".hevc", ".264", ".265", ".mjpg", ".mjpeg",
    ".m3u8", ".mpd", ".360", ".3g2", ".amv", ".asf", ".av1", ".avc", ".dav", ".dif", ".divx", ".dv", ".dvr-ms", ".f4v",
    ".gxf", ".h263", ".h266", ".insv", ".ismv", ".ivf", ".m1v", ".m2p", ".m2t", ".mk3d", ".mod", ".mp4v", ".mpe",
    ".mpv", ".nut", ".obu", ".ogm", ".qt", ".rm", ".rmvb", ".tod", ".tp", ".trp", ".vc1", ".vvc", ".wtv", ".xvid",
    *PROXY_SUFFIXES,
)  # fmt: skip
