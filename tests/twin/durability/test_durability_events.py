"""Events that were accepted, and pushes that were taken, are not forgotten by the next twin."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.ports import Event
from lockgate_twin.services.codecommit import CodeCommit
from lockgate_twin.services.eventbridge import EventBus, QueueSender, Wiring
from lockgate_twin.services.eventbridge.failures import DeliveryError
from lockgate_twin.services.eventbridge.input_transformer import Matched
from lockgate_twin.services.eventbridge.ports import Message

from tests.support.manual_scheduler import ManualScheduler
from tests.twin.codecommit.fake_world import ACCOUNT, REGION, FakeWorld, call_of, make_world

ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"
EVENT = Event(source="mine", detail_type="Test", detail={"n": 1}, account=ACCOUNT, region=REGION)


@dataclass(frozen=True)
class Rule:
    """A rule that matches every event of a source."""

    arn: str = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/rule"
    name: str = "rule"
    pattern: Any = field(default_factory=lambda: {"source": ["mine"]})
    targets: Sequence[Any] = ({"Id": "1", "Arn": ARN},)


@dataclass
class Target:
    """Takes events, or fails while it is told to."""

    fails: bool = False
    taken: list[Matched] = field(default_factory=list)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def deliver(self, matched: Matched) -> None:
        """Take down or fail."""
        try:
            if self.fails:
                raise DeliveryError("THROTTLING", "later", retry=True)
            self.taken.append(matched)
        finally:
            self.asked.release()


class NoQueues:
    """There are none."""

    def send(self, queue_arn: str, message: Message) -> None:
        """Refuse."""
        raise AssertionError((queue_arn, message))


def bus_of(world: FakeWorld, target: Target) -> EventBus:
    """Return an event bus whose retries never come by themselves."""
    wiring = Wiring(
        rules=lambda *_: [Rule()],
        targets={"sqs": target},
        dead_letters=QueueSender(NoQueues(), lambda *_: True),
        scheduler=ManualScheduler(),
    )
    return EventBus(world, wiring)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FakeWorld]:
    """Give a small world with tables that outlive the services in it."""
    made = make_world(tmp_path)
    yield made
    made.processes.close()
    assert made.defects == []


def test_an_event_that_waits_for_its_retry_is_delivered_by_the_next_twin(world: FakeWorld) -> None:
    """The same event reaches the same target; once it has, it is not delivered again."""
    failing, taking = Target(fails=True), Target()
    event_id = bus_of(world, failing).put(EVENT)
    assert failing.asked.acquire(timeout=30)
    following = bus_of(world, taking)
    following.resume()
    assert taking.asked.acquire(timeout=30)
    assert [(m.event["id"], m.event["detail"], m.rule_name) for m in taking.taken] == [(event_id, {"n": 1}, "rule")]
    _until_forgotten(world)
    last = Target()
    bus_of(world, last).resume()
    assert not last.asked.acquire(blocking=False)


def _until_forgotten(world: FakeWorld) -> None:
    for _ in range(600):
        if not world.table("events.deliveries").items():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it is still kept")


def test_what_arrives_before_resuming_is_delivered_once(world: FakeWorld) -> None:
    """An event of the new twin's own start is not taken for one of the twin before."""
    target = Target()
    bus = bus_of(world, target)
    bus.put(EVENT)
    bus.resume()
    assert target.asked.acquire(timeout=30)
    _until_forgotten(world)
    assert len(target.taken) == 1


def test_a_push_that_was_not_announced_is_announced_by_the_next_twin(world: FakeWorld) -> None:
    """A twin killed between git's work and the events leaves them to the next, which sends them once."""
    before = CodeCommit(world)
    create = before.operations()["CreateRepository"]
    create({"repositoryName": "mine"}, call_of("codecommit"))
    files = [{"filePath": "a", "fileContent": b"1"}]
    repository = before.repositories.get(ACCOUNT, REGION, "mine")
    put = before.operations()["CreateCommit"]
    put({"repositoryName": "mine", "branchName": "main", "putFiles": files}, call_of("codecommit"))
    world.events.clear()
    world.table("codecommit.moving").put(repository.repository_id, ({}, "arn:aws:iam::1:user/pusher"))
    after = CodeCommit(world)
    after.resume()
    assert [(e.detail["event"], e.detail["referenceName"]) for e in world.events] == [("referenceCreated", "main")]
    assert world.events[0].detail["callerUserArn"] == "arn:aws:iam::1:user/pusher"
    CodeCommit(world).resume()
    assert len(world.events) == 1


def test_repositories_are_found_where_their_folder_is_now(world: FakeWorld, tmp_path: Path) -> None:
    """What AWS tells of a repository is kept; a state folder that has moved takes its repositories along."""
    before = CodeCommit(world)
    for name in ("one", "two"):
        create = before.operations()["CreateRepository"]
        create({"repositoryName": name, "repositoryDescription": "d"}, call_of("codecommit"))
    before.repositories.rename(before.repositories.get(ACCOUNT, REGION, "two"), "three")
    described = before.repositories.get(ACCOUNT, REGION, "three").metadata()
    moved = tmp_path / "moved"
    moved.mkdir()
    (tmp_path / "codecommit").rename(moved / "codecommit")
    world.settings = replace(world.settings, state_dir=moved)
    after = CodeCommit(world)
    assert [r.name for r in after.repositories.of(ACCOUNT, REGION)] == ["one", "three"]
    found = after.repositories.get(ACCOUNT, REGION, "three")
    assert found.metadata() == described
    assert found.git.references() == {}


def test_a_deleted_repository_stays_deleted(world: FakeWorld) -> None:
    """Its name is free for the next twin."""
    before = CodeCommit(world)
    create = {"repositoryName": "mine"}
    before.operations()["CreateRepository"](create, call_of("codecommit"))
    before.operations()["DeleteRepository"](create, call_of("codecommit"))
    after = CodeCommit(world)
    assert after.repositories.of(ACCOUNT, REGION) == []
    after.operations()["CreateRepository"](create, call_of("codecommit"))
