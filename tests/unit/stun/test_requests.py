from visavis.dataplane.commands import Command, SendStun, SocketId, TransportId
from visavis.stun import Method, Requests, Response


class Sink:
    def __init__(self) -> None:
        self.commands: list[Command] = []

    def submit(self, *commands: Command) -> None:
        self.commands += commands


def test_a_request_is_submitted_and_its_result_handed_on_once() -> None:
    sink, heard = Sink(), list[Response]()
    requests = Requests(TransportId(7), sink)
    server = ("192.0.2.1", 3478)
    number = requests.send(SocketId(1000), server, Method.BINDING, (), heard.append, b"key")
    (command,) = sink.commands
    assert command == SendStun(TransportId(7), number, SocketId(1000), server, 1, (), b"key")
    response = Response(0, (), 0.1)
    requests.handle_result(number, response)
    requests.handle_result(number, response)
    assert heard == [response]


def test_a_forgotten_request_is_not_heard_of() -> None:
    heard = list[Response]()
    requests = Requests(TransportId(7), Sink())
    number = requests.send(SocketId(1000), ("192.0.2.1", 3478), Method.BINDING, (), heard.append)
    requests.forget(number)
    requests.handle_result(number, Response(0))
    requests.handle_result(12345, Response(0))
    assert heard == []
