"""AWS::Kinesis and AWS::KinesisFirehose: streams, in the inventory alone."""

from __future__ import annotations

from .kind import own_arn, plain

KINDS = {
    "AWS::Kinesis::Stream": plain(
        own_arn("kinesis", "stream/"), name="Name", longest=128, tags="list"
    ),
    "AWS::KinesisFirehose::DeliveryStream": plain(
        own_arn("firehose", "deliverystream/"),
        name="DeliveryStreamName",
        fixed=("DeliveryStreamType", "KinesisStreamSourceConfiguration"),
        tags="list",
    ),
}
