def open_network():
    raise NotImplementedError
