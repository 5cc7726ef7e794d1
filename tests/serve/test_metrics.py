"""Numbers of all processes are one sum, in the form that Prometheus reads."""

import re

from nimblepose.serve.metrics import Metrics

LINE = re.compile(r'(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[0-9.e+-]+)')


def test_every_line_is_a_comment_or_a_number():
    metrics = Metrics()
    metrics.note_request("/v1/poses", 200, 0.03)
    metrics.note_request("/v1/poses", 418, 70)
    text = metrics.to_text()
    assert all(LINE.fullmatch(line) for line in text.splitlines())
    assert 'nimblepose_requests_total{route="/v1/poses",status="400"} 1\n' in text, "of an unknown kind"
    assert 'nimblepose_request_seconds_bucket{route="/v1/poses",le="0.025"} 0\n' in text
    assert 'nimblepose_request_seconds_bucket{route="/v1/poses",le="0.05"} 1\n' in text
    assert 'nimblepose_request_seconds_bucket{route="/v1/poses",le="+Inf"} 2\n' in text
    assert 'nimblepose_request_seconds_sum{route="/v1/poses"} 70.03\n' in text
    assert "/v1/stream" not in text, "what nobody asked is left out"
    names = re.findall(r"# TYPE (\w+)", text)
    assert len(names) == len(set(names)) == 11


def test_processes_are_added_up(tmp_path):
    Metrics.make_shared(tmp_path / "m", 2)
    one, other = (Metrics(tmp_path / "m", process=n, processes=2) for n in range(2))
    one.add("nimblepose_people_total", 3)
    other.add("nimblepose_people_total", 4)
    other.put("nimblepose_queue", 5)
    other.put("nimblepose_queue", 2)
    for metrics in (one, other):
        assert "nimblepose_people_total 7\n" in metrics.to_text()
        assert "nimblepose_queue 2\n" in metrics.to_text()
