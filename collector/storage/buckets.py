"""Makes what a history in InfluxDB 2.x needs: buckets, their names in InfluxQL, tasks, the dashboards' choice."""

from __future__ import annotations

import asyncio

from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.dbrp_create import DBRPCreate
from influxdb_client.domain.task_create_request import TaskCreateRequest
from influxdb_client.rest import ApiException
from influxdb_client.service.dbr_ps_service import DBRPsService
from urllib3.exceptions import HTTPError

from collector.storage.history import HistoryDown
from collector.storage.influx import Bucket, InfluxHistory
from collector.storage.influxql import QueryRefused
from collector.storage.initialise import Say, Unfit, kept_words
from collector.storage.policies import CHOICE, DAY_S, POLICIES, TASKS, Days, Policy, bucket_of, choice_rows, hourly_flux
from config.figures import FOREVER, RAW


class BucketInitialiser:
    """One run of `callpoint history init` on a 2.x server."""

    def __init__(self, history: InfluxHistory, bucket: Bucket, days: Days, dry_run: bool, say: Say) -> None:
        self._history = history
        self._bucket = bucket
        self._days = days
        self._dry_run = dry_run
        self._say = say

    async def run(self) -> None:
        """Make what is missing. Raises Unfit, HistoryDown or QueryRefused (the token has not the right)."""
        version = (await self._history.influx.version()).removeprefix("v")
        if not version.startswith("2."):
            known = f"InfluxDB {version}" if version else "something that does not name its version"
            raise Unfit(
                f"{self._history.influx.base} is {known}. `history init` makes what 1.x (influxdb://) and 2.x need; 3.x"
                " has neither retention policies nor tasks for it to make: records and the ledger work there, the"
                " collector's figures and the dashboards do not"
            )
        try:
            organization = await asyncio.to_thread(self._organization)
            for policy in POLICIES.values():
                await asyncio.to_thread(self._make_bucket, policy, organization)
            for task in TASKS:
                await asyncio.to_thread(self._make_task, task.name, hourly_flux(self._bucket.name, task), organization)
        except ApiException as error:
            said = f"InfluxDB answered {error.status}: {str(error.body or error.reason)[:300]}"
            raise (QueryRefused if error.status in (400, 401, 403, 404, 422) else HistoryDown)(said) from error
        except (HTTPError, OSError) as error:
            raise HistoryDown(f"history {self._history.influx.base}: {error}") from error
        if not self._dry_run:
            self._history.forget_keepings()
            kept = {name: each.days for name, each in (await self._history.keepings()).items()}
            await asyncio.to_thread(self._forget_choice)
            await self._history.write_to(FOREVER, choice_rows(kept))
        self._say(f"{'would write' if self._dry_run else 'wrote'}  {CHOICE} of the dashboards")

    # --- on a thread: the library waits ---------------------------------------------------------------

    def _organization(self) -> str:
        found = self._bucket.client.organizations_api().find_organizations(org=self._bucket.org)
        if not found:
            raise Unfit(f"this server has no organization {self._bucket.org!r}")
        return str(found[0].id)

    def _make_bucket(self, policy: Policy, organization: str) -> None:
        api, name = self._bucket.client.buckets_api(), bucket_of(self._bucket.name, policy.name)
        known, asked = api.find_bucket_by_name(name), self._days.of(policy.name)
        if known is None:
            days = policy.days if asked is None else asked
            if not self._dry_run:
                known = api.create_bucket(bucket_name=name, org=organization, retention_rules=_rules(policy, days))
            self._say(f"{self._verb('make')}  bucket {name}, {kept_words(days)}")
        else:
            rule = next((each for each in known.retention_rules or () if each.every_seconds), None)
            before = None if rule is None else rule.every_seconds / DAY_S
            if asked is not None and asked != before:
                if not self._dry_run:
                    known.retention_rules = _rules(policy, asked)
                    api.update_bucket(known)
                self._say(f"{self._verb('change')}  bucket {name}, {kept_words(asked)}, was {kept_words(before)}")
            else:
                self._say(f"found  bucket {name}, {kept_words(before)}")
        if known is not None:
            self._make_mapping(policy, str(known.id), organization)

    def _make_mapping(self, policy: Policy, bucket_id: str, organization: str) -> None:
        """Under which names InfluxQL finds the bucket."""
        service = DBRPsService(self._bucket.client.api_client)
        names = {"database": self._bucket.name, "retention_policy": policy.name}
        known = service.get_dbr_ps(org_id=organization, db=self._bucket.name).content or ()
        ours = [each for each in known if each.retention_policy == policy.name and not each.virtual]
        what = f"InfluxQL name {self._bucket.name}.{policy.name}"
        if any(each.bucket_id == bucket_id for each in ours):
            self._say(f"found  {what}")
            return
        if not self._dry_run:
            mapping = DBRPCreate(org_id=organization, bucket_id=bucket_id, default=policy.name == RAW, **names)
            service.post_dbrp(dbrp_create=mapping)
        self._say(f"{self._verb('make')}  {what}")

    def _make_task(self, name: str, flux: str, organization: str) -> None:
        api = self._bucket.client.tasks_api()
        title = f"{name} {self._bucket.name}"
        known = next(iter(api.find_tasks(name=title, org_id=organization)), None)
        if known is not None and known.flux == flux:
            self._say(f"found  task {title}")
            return
        verb = "make" if known is None else "change"
        if not self._dry_run:
            if known is not None:
                known.flux = flux
                api.update_task(known)
            else:
                api.create_task(task_create_request=TaskCreateRequest(org_id=organization, flux=flux, status="active"))
        self._say(f"{self._verb(verb)}  task {title}")

    def _forget_choice(self) -> None:
        """Its rows have other times where durations are others."""
        bucket, words = bucket_of(self._bucket.name, FOREVER), f'_measurement="{CHOICE}"'
        api = self._bucket.client.delete_api()
        api.delete("1970-01-01T00:00:00Z", "2200-01-01T00:00:00Z", words, bucket, self._bucket.org)

    def _verb(self, verb: str) -> str:
        if self._dry_run:
            return f"would {verb}"
        return "made" if verb == "make" else "changed"


def _rules(policy: Policy, days: int | None) -> list[BucketRetentionRules]:
    if days is None:
        return []
    shard_s = max(1, min(policy.shard_days, days)) * DAY_S
    return [BucketRetentionRules(every_seconds=days * DAY_S, shard_group_duration_seconds=shard_s)]
