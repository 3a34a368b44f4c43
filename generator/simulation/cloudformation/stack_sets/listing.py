"""Requests that only look. Each lets the operations that run take a step, after its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from generator.simulation.cloudformation.requests import Answer, Request, first_item, page
from generator.simulation.cloudformation.stack_sets import describing
from generator.simulation.cloudformation.stack_sets import instances as i
from generator.simulation.cloudformation.stack_sets.administration import Administration
from generator.simulation.cloudformation.stack_sets.deliveries import Deliveries
from generator.simulation.cloudformation.stack_sets.operations import RESULTS
from generator.simulation.cloudformation.stack_sets.rollout import Find, operation_of
from generator.simulation.cloudformation.stack_sets.running import Runner
from generator.simulation.cloudformation.stack_sets.sets import StackSet
from generator.simulation.world import ServiceError


class Listing:
    """Describes StackSets, instances and operations."""

    def __init__(
        self,
        administration: Administration,
        runner: Runner,
        deliveries: Deliveries,
        find: Find,
    ) -> None:
        self.administration = administration
        self.runner = runner
        self.deliveries = deliveries
        self.find = find

    def sets(self, found: Sequence[StackSet], request: Request, home: str, region: str) -> Answer:
        """One page of StackSets."""
        shown, rest = page(found, request)
        answer = {"Summaries": [describing.stack_set_summary(one) for one in shown], **rest}
        self._step(request, home, region)
        return answer

    def describe_stack_set(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        answer = {"StackSet": describing.stack_set(one)}
        self._step(request, one.home, region)
        return answer

    def describe_stack_instance(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        code = self._code(one, request)
        stack_id = self.deliveries.stack_id(one, code)
        answer = {"StackInstance": describing.full_instance(one, code, stack_id)}
        self._step(request, one.home, region)
        return answer

    def list_stack_instances(self, request: Request, account: str, region: str) -> Answer:
        """A page of instances. The token is the code to go on with: no page costs more than one."""
        one = self.find(request, account, region)
        wanted = self._filter(one, request)
        size = min(int(request.get("MaxResults", 100)), 100)
        matching = (code for code in one.instances.codes(first_item(request)) if wanted(code))
        codes = list(islice(matching, size + 1))
        answer: Answer = {
            "Summaries": [
                describing.instance(one, code, self.deliveries.stack_id(one, code))
                for code in codes[:size]
            ]
        }
        if len(codes) > size:
            answer["NextToken"] = str(codes[size])
        self._step(request, one.home, region)
        return answer

    def describe_stack_set_operation(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        operation = operation_of(one, request["OperationId"])
        answer = {"StackSetOperation": describing.operation(operation)}
        self._step(request, one.home, region)
        return answer

    def list_stack_set_operations(self, request: Request, account: str, region: str) -> Answer:
        one = self.find(request, account, region)
        shown, rest = page(list(one.operations.values())[::-1], request)
        answer = {"Summaries": [describing.operation_summary(each) for each in shown], **rest}
        self._step(request, one.home, region)
        return answer

    def list_stack_set_operation_results(
        self, request: Request, account: str, region: str
    ) -> Answer:
        one = self.find(request, account, region)
        operation = operation_of(one, request["OperationId"])
        wanted = set(range(len(RESULTS)))
        for each in request.get("Filters", []):
            wanted = {RESULTS.index(each["Values"])} if each["Values"] in RESULTS else set()
        size = min(int(request.get("MaxResults", 100)), 100)
        results = operation.results
        places = list(
            islice(
                (p for p in range(first_item(request), len(results)) if results[p] in wanted),
                size + 1,
            )
        )
        answer: Answer = {
            "Summaries": [describing.result(operation, place) for place in places[:size]]
        }
        if len(places) > size:
            answer["NextToken"] = str(places[size])
        self._step(request, one.home, region)
        return answer

    def list_stack_instance_resource_drifts(
        self, request: Request, account: str, region: str
    ) -> Answer:
        one = self.find(request, account, region)
        operation = operation_of(one, request["OperationId"])
        code = self._code(one, request)
        wanted = request.get("StackInstanceResourceDriftStatuses")
        stack_id = self.deliveries.stack_id(one, code)
        when = operation.ended if operation.ended is not None else operation.created
        found = [
            describing.resource_drift(drift, stack_id, when)
            for drift in one.drifts.get((operation.id, code), [])
            if not wanted or drift.status in wanted
        ]
        shown, rest = page(found, request)
        return {"Summaries": list(shown), **rest}

    def list_stack_set_auto_deployment_targets(
        self, request: Request, account: str, region: str
    ) -> Answer:
        one = self.find(request, account, region)
        found = [
            {"OrganizationalUnitId": unit, "Regions": list(regions)}
            for unit, regions in one.units.items()
        ]
        shown, rest = page(found, request)
        return {"Summaries": list(shown), **rest}

    def _code(self, one: StackSet, request: Request) -> int:
        account, region = request["StackInstanceAccount"], request["StackInstanceRegion"]
        code = one.instances.find(account, region)
        if code is None:
            raise ServiceError(
                "StackInstanceNotFoundException",
                f"Stack instance ({account}, {region}) of {one.name} not found",
                404,
            )
        return code

    def _filter(self, one: StackSet, request: Request) -> Callable[[int], bool]:
        instances = one.instances
        tests: list[Callable[[int], bool]] = []
        if "StackInstanceAccount" in request:
            row = instances.accounts.find(request["StackInstanceAccount"])
            tests.append(lambda code: code // i.WIDTH == row)
        if "StackInstanceRegion" in request:
            column = instances.regions.find(request["StackInstanceRegion"])
            tests.append(lambda code: code % i.WIDTH == column)
        for each in request.get("Filters", []):
            name, value = each["Name"], each["Values"]
            if name == "DETAILED_STATUS":
                number = i.DETAILED.index(value) if value in i.DETAILED else -1
                tests.append(_equals(instances.detailed, number))
            elif name == "DRIFT_STATUS":
                number = i.DRIFT.index(value) if value in i.DRIFT else -1
                tests.append(_equals(instances.drift, number))
            else:
                known = instances.operations.find(value)
                tests.append(_equals(instances.operation, known))
        return lambda code: all(test(code) for test in tests)

    def _step(self, request: Request, home: str, region: str) -> None:
        # The pages of one list show one moment.
        if "NextToken" not in request:
            self.runner.tick(home, region)


def _equals(column: Sequence[int], number: int | None) -> Callable[[int], bool]:
    return lambda code: column[code] == number
