"""The table of what calls are about: the fields of a request that name its object, by service.

Read off recorded records; CloudTrail writes the first letter of a parameter small. Each is a name
or an id, never a document or a value that could hold a secret. The order is that of reading.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from collections.abc import Mapping

BY_CALL: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("aws.docdb-elastic", "DeleteCluster"): ("clusterArn",),
    ("aws.dsql", "DeleteCluster"): ("identifier",),
    # It lists several clusters, which no text can hold.
    ("aws.dsql", "DeleteMultiRegionCluster"): ("identifier",),
    ("aws.dynamodb", "DeleteTable"): ("tableName",),
    ("aws.ec2", "ModifyImageAttribute"): ("imageId",),
    ("aws.ec2", "ModifySnapshotAttribute"): ("snapshotId",),
    ("aws.ec2", "AuthorizeSecurityGroupIngress"): ("groupId",),
    ("aws.ec2", "ModifySecurityGroupRules"): ("groupId",),
    ("aws.iam", "CreateAccessKey"): ("userName",),
    ("aws.iam", "CreateLoginProfile"): ("userName",),
    ("aws.iam", "CreateUser"): ("userName",),
    ("aws.memorydb", "DeleteCluster"): ("clusterName",),
    ("aws.rds", "DeleteDBCluster"): ("dBClusterIdentifier",),
    ("aws.rds", "DeleteDBInstance"): ("dBInstanceIdentifier",),
    ("aws.rds", "DeleteGlobalCluster"): ("globalClusterIdentifier",),
    ("aws.rds", "ModifyDBClusterSnapshotAttribute"): ("dBClusterSnapshotIdentifier",),
    ("aws.rds", "ModifyDBSnapshotAttribute"): ("dBSnapshotIdentifier",),
    ("aws.redshift", "DeleteCluster"): ("clusterIdentifier",),
    ("aws.redshift-serverless", "DeleteNamespace"): ("namespaceName",),
}
"""Where a call is known, so that nothing is looked for in vain: by service and name."""

BY_SERVICE: Mapping[str, tuple[str, ...]] = {
    "aws.cloudformation": ("stackSetName", "stackName"),
    "aws.cloudtrail": ("name", "trailName", "eventDataStore", "resourceArn"),
    "aws.config": ("configurationRecorderName", "deliveryChannelName"),
    "aws.dynamodb": ("tableName",),
    "aws.ec2": ("groupId", "imageId", "snapshotId", "instanceId", "vpcId", "networkAclId"),
    "aws.events": ("name", "rule", "eventBusName"),
    "aws.guardduty": ("detectorId",),
    "aws.iam": ("userName", "roleName", "groupName", "policyArn", "policyName"),
    "aws.kms": ("keyId",),
    "aws.lambda": ("functionName",),
    "aws.organizations": ("accountId", "policyId", "targetId", "servicePrincipal"),
    "aws.rds": (
        *("dBInstanceIdentifier", "dBClusterIdentifier"),
        *("dBSnapshotIdentifier", "dBClusterSnapshotIdentifier"),
    ),
    "aws.redshift": ("clusterIdentifier",),
    "aws.s3": ("bucketName",),
    "aws.secretsmanager": ("secretId", "name"),
    "aws.signin": (),
    "aws.sns": ("topicArn",),
    "aws.sqs": ("queueUrl",),
    "aws.ssm": ("name", "instanceId", "target"),
    "aws.sts": ("roleArn",),
}

ANYTHING = ("resourceArn", "name", "bucketName", "userName", "roleName")
"""For a detection that any service can meet, and for services without a row."""
