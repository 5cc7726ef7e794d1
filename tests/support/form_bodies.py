"""Bodies of forms, as browsers and curl send them."""


def form(*files, fields=()):
    """A body of multipart/form-data and its type."""
    parts = [f'--edge\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields]
    for number, (name, data) in enumerate(files):
        head = f'--edge\r\nContent-Disposition: form-data; name="f{number}"; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Type: image/png\r\n\r\n" + data + b"\r\n")
    return b"".join(parts) + b"--edge--\r\n", "multipart/form-data; boundary=edge"
