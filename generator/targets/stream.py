"""A stream of events: Firehose into an encrypted bucket, or Kinesis for a program that follows."""

from __future__ import annotations

from typing import Any

from troposphere import GetAtt, Output, Ref, firehose, kinesis, logs, s3
from troposphere.events import KinesisParameters

from generator import names, policies, roles
from generator.alarms import alarm
from generator.model import Shape, Target
from generator.options import DAY
from generator.parts import Part

KEPT = {"firehose": 365 * DAY, "kinesis": DAY}
"""What is kept when the configuration says nothing: a trail's year, and a stream's day."""

WAIT = 300
"""Seconds that Firehose collects records before it writes an object."""
COLLECTED = 64
"""Megabytes after which it does not wait any longer."""
LATE = 1800
"""Seconds after which a record that is not in the bucket is late."""

_DELIVERY = "delivery"


def part(target: Target, shape: Shape) -> Part:
    """What carries the records, where they end, and the role that puts them in."""
    prefix = shape.name_prefix
    service = target.options["to"]
    sender = roles.role(
        f"{names.logical(target.name)}DeliveryRole",
        names.delivery_role(prefix, target.name),
        f"Puts the events of the target {target.name} on its stream.",
        policies.trust_rules_of_this_account(),
        policies.send_records(GetAtt(_title(target), "Arn"), service),
    )
    carrier = _to_bucket(target, prefix) if service == "firehose" else _to_kinesis(target, prefix)
    return carrier._replace(resources=[*carrier.resources, sender])


def entry(target: Target) -> dict[str, Any]:
    """The rule puts records on the stream; those of an account stay in their order."""
    given: dict[str, Any] = {
        "Arn": GetAtt(_title(target), "Arn"),
        "RoleArn": GetAtt(f"{names.logical(target.name)}DeliveryRole", "Arn"),
    }
    if target.options["to"] == "kinesis":
        given["KinesisParameters"] = KinesisParameters(PartitionKeyPath="$.account")
    return given


def _title(target: Target) -> str:
    return f"{names.logical(target.name)}Stream"


def _days(target: Target) -> int:
    return int(target.options["retention"] or KEPT[target.options["to"]]) // DAY


# --- Firehose and its bucket


def _to_bucket(target: Target, prefix: str) -> Part:
    title, name = names.logical(target.name), names.stream(prefix, target.name)
    bucket = _bucket(target)
    tls = policies.only_encrypted_transport(GetAtt(bucket, "Arn"))
    group_name = names.stream_log_group(prefix, target.name)
    group = logs.LogGroup(
        f"{title}StreamLog",
        LogGroupName=group_name,
        RetentionInDays=Ref(names.LOG_DAYS),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    log = logs.LogStream(
        f"{title}StreamLogStream", LogGroupName=Ref(group), LogStreamName=_DELIVERY
    )
    writer = roles.role(
        f"{title}WriterRole",
        names.writer_role(prefix, target.name),
        f"Writes the events of the target {target.name} to its bucket.",
        policies.trust_firehose(),
        *policies.write_objects(GetAtt(bucket, "Arn"), names.EVENT_OBJECTS, names.ERROR_OBJECTS),
        policies.tell_failures(group_name, _DELIVERY),
    )
    return Part(
        resources=[
            bucket,
            s3.BucketPolicy(
                f"{title}BucketPolicy",
                Bucket=Ref(bucket),
                PolicyDocument=policies.document(tls),
                Metadata={"Reasons": policies.reasons(tls)},
            ),
            group,
            log,
            writer,
            _delivery(target, name, group_name),
            alarm(
                f"{title}LateAlarm",
                f"{name}-late",
                f"Events have waited more than {LATE // 60} minutes for the bucket of {name}. Read "
                f"the log group {group_name}: the bucket, its policy or the role {name}-writer was "
                "changed. Firehose tries for a day; what it gives up lies below errors/.",
                metric=("AWS/Firehose", "DeliveryToS3.DataFreshness"),
                dimension=("DeliveryStreamName", name),
                statistic="Maximum",
                above=LATE,
            ),
            alarm(
                f"{title}ThrottledAlarm",
                f"{name}-throttled",
                f"Firehose throttles {name}. EventBridge tries again for a day, so nothing is lost "
                "yet: ask for a higher quota of the stream.",
                metric=("AWS/Firehose", "ThrottledRecords"),
                dimension=("DeliveryStreamName", name),
                statistic="Sum",
                above=0,
                periods=3,
            ),
        ],
        outputs=[
            Output(
                f"{title}BucketName",
                Description=f"The bucket with the events of '{target.name}', a folder per day.",
                Value=Ref(bucket),
            )
        ],
    )


def _bucket(target: Target) -> s3.Bucket:
    """Kept when its stack goes. Its encryption is S3's own: no key can be lost that it needs.

    Versions are kept for a while, so that whoever overwrites or deletes hides nothing.
    """
    days = _days(target)
    return s3.Bucket(
        names.stream_bucket(target.name),
        BucketEncryption=s3.BucketEncryption(
            ServerSideEncryptionConfiguration=[
                s3.ServerSideEncryptionRule(
                    ServerSideEncryptionByDefault=s3.ServerSideEncryptionByDefault(
                        SSEAlgorithm="AES256"
                    )
                )
            ]
        ),
        PublicAccessBlockConfiguration=s3.PublicAccessBlockConfiguration(
            BlockPublicAcls=True,
            BlockPublicPolicy=True,
            IgnorePublicAcls=True,
            RestrictPublicBuckets=True,
        ),
        OwnershipControls=s3.OwnershipControls(
            Rules=[s3.OwnershipControlsRule(ObjectOwnership="BucketOwnerEnforced")]
        ),
        VersioningConfiguration=s3.VersioningConfiguration(Status="Enabled"),
        LifecycleConfiguration=s3.LifecycleConfiguration(
            Rules=[
                s3.LifecycleRule(
                    Id="retention",
                    Status="Enabled",
                    ExpirationInDays=days,
                    NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=30),
                    AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(
                        DaysAfterInitiation=7
                    ),
                )
            ]
        ),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )


def _delivery(target: Target, name: str, group: str) -> firehose.DeliveryStream:
    """A record a line, compressed, in a folder per day (UTC, of the arrival).

    By day and not by account: beyond 500 partitions Firehose gives up.
    https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
    https://docs.aws.amazon.com/firehose/latest/APIReference/API_Processor.html
    """
    title = names.logical(target.name)
    day = "day=!{timestamp:yyyy-MM-dd}/"
    return firehose.DeliveryStream(
        _title(target),
        DeliveryStreamName=name,
        DeliveryStreamType="DirectPut",
        DeliveryStreamEncryptionConfigurationInput=(
            firehose.DeliveryStreamEncryptionConfigurationInput(KeyType="AWS_OWNED_CMK")
        ),
        ExtendedS3DestinationConfiguration=firehose.ExtendedS3DestinationConfiguration(
            BucketARN=GetAtt(names.stream_bucket(target.name), "Arn"),
            RoleARN=GetAtt(f"{title}WriterRole", "Arn"),
            Prefix=f"{names.EVENT_OBJECTS}{day}",
            ErrorOutputPrefix=f"{names.ERROR_OBJECTS}!{{firehose:error-output-type}}/{day}",
            CompressionFormat="GZIP",
            BufferingHints=firehose.BufferingHints(IntervalInSeconds=WAIT, SizeInMBs=COLLECTED),
            CloudWatchLoggingOptions=firehose.CloudWatchLoggingOptions(
                Enabled=True, LogGroupName=group, LogStreamName=_DELIVERY
            ),
            ProcessingConfiguration=firehose.ProcessingConfiguration(
                Enabled=True, Processors=[firehose.Processor(Type="AppendDelimiterToRecord")]
            ),
        ),
        DependsOn=f"{title}StreamLogStream",
    )


# --- Kinesis


def _to_kinesis(target: Target, prefix: str) -> Part:
    """Under Kinesis' own key, which lets in whoever of the account may write to the stream.

    https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
    """
    title, name = names.logical(target.name), names.stream(prefix, target.name)
    stream = kinesis.Stream(
        _title(target),
        Name=name,
        StreamModeDetails=kinesis.StreamModeDetails(StreamMode="ON_DEMAND"),
        StreamEncryption=kinesis.StreamEncryption(EncryptionType="KMS", KeyId="alias/aws/kinesis"),
        RetentionPeriodHours=24 * _days(target),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    return Part(
        resources=[
            stream,
            alarm(
                f"{title}LateAlarm",
                f"{name}-late",
                f"The program that reads the stream {name} is {LATE // 60} minutes behind. Repair "
                f"it: what is older than {_days(target)} days is lost to it.",
                metric=("AWS/Kinesis", "GetRecords.IteratorAgeMilliseconds"),
                dimension=("StreamName", name),
                statistic="Maximum",
                above=LATE * 1000,
            ),
            alarm(
                f"{title}ThrottledAlarm",
                f"{name}-throttled",
                f"Kinesis throttles {name}. EventBridge tries again for a day, so nothing is lost "
                "yet: one account may send more than a shard takes.",
                metric=("AWS/Kinesis", "WriteProvisionedThroughputExceeded"),
                dimension=("StreamName", name),
                statistic="Sum",
                above=0,
                periods=3,
            ),
        ],
        outputs=[
            Output(
                f"{title}StreamArn",
                Description=f"The stream '{target.name}', for the program that reads it.",
                Value=GetAtt(stream, "Arn"),
            )
        ],
    )
