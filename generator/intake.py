"""The intake template: a trail's bucket, and a queue that tells a SIEM of every object in it."""

from __future__ import annotations

from typing import Any

from troposphere import (
    And,
    Condition,
    Equals,
    GetAtt,
    If,
    Not,
    NoValue,
    Or,
    Output,
    Parameter,
    Ref,
    Sub,
    cloudtrail,
    kms,
    s3,
)
from troposphere.cloudwatch import Alarm, MetricDimension

from generator import alarms, hearing, names, policies, queues, roles
from generator.model import Json, Shape
from generator.parts import Group, Part, assembled
from generator.rules import assertion, equals, is_given, rule

TRIES = 20
"""A SIEM may be down for a while; at a visibility timeout of five minutes this is more than an
hour and a half of trying. What it does not delete by then waits in the dead letters."""

SEKOIA = "app.sekoia.io/api/v1/symphony/oidc"
"""Its OIDC provider. Written here because the keys of a condition take no parameter.
https://docs.sekoia.io/integration/categories/network_security/aws_cloudtrail/"""

BUCKET = "Bucket"
TRAIL_KEY = "TrailKey"
QUEUE = "Queue"

# Parameters.
TRAIL_NAME = "TrailName"
TRAIL_REGION = "TrailRegion"
MAKE_TRAIL = "MakeOrganizationTrail"
MANAGEMENT_EVENTS = "ManagementEvents"
DATA_EVENTS = "DataEvents"
INSIGHTS = "Insights"
KEEP_DAYS = "KeepDays"
READER_ACCOUNT = "ReaderAccountId"
READER_ROLE = "ReaderRoleArn"
READER_EXTERNAL_ID = "ReaderExternalId"
SEKOIA_PROVIDER = "SekoiaOidcProviderArn"
SEKOIA_COMMUNITY = "SekoiaCommunityUuid"
SEKOIA_CONFIGURATION = "SekoiaModuleConfigurationUuid"

# Conditions.
_MAKES_TRAIL = "MakesTrail"
_MAKES_NO_TRAIL = "MakesNoTrail"
_TRAIL_ELSEWHERE = "TrailInAnotherRegion"
_QUIET = "WithoutNoisyManagementEvents"
_OBJECTS = "WithObjectEvents"
_INVOCATIONS = "WithInvocationEvents"
_RATES = "WithInsights"
_ERRORS = "WithErrorInsights"
_HAS_READER = "HasReader"
_BY_ROLE = "ReaderByRole"
_BY_ID = "ReaderByExternalId"
_HAS_SEKOIA = "HasSekoia"

_DATA_CHOICES = ("none", "objects", "invocations", "objects-and-invocations")
_INSIGHT_CHOICES = ("none", "rates", "rates-and-errors")
_CHOICES_OF_A_NEW_TRAIL = {MANAGEMENT_EVENTS: "all", DATA_EVENTS: "none", INSIGHTS: "none"}
"""With what they are when nobody chose."""


def template(shape: Shape) -> dict[str, Json]:
    """The whole stack of the log account."""
    prefix = shape.name_prefix
    return assembled(
        "Trailbus, SIEM intake: the organization trail's bucket, with a queue that tells a SIEM of "
        "every log file in it. One stack in the log account; where that is the management account, "
        "it can make the trail too.",
        [
            _organization(),
            _bucket(prefix),
            _feed(prefix),
            _reader(prefix),
            _sekoia(prefix),
            _trail(prefix),
            *_alarms(prefix),
            roles.common(),
        ],
        _groups(),
    )


def _groups() -> list[Group]:
    return [
        Group("Your organization", (names.ORGANIZATION_ID, names.MANAGEMENT_ACCOUNT)),
        Group("A trail that is there already", (TRAIL_NAME, TRAIL_REGION)),
        Group("Or a new trail", (MAKE_TRAIL, MANAGEMENT_EVENTS, DATA_EVENTS, INSIGHTS)),
        Group("A SIEM that assumes a role", (READER_ACCOUNT, READER_ROLE, READER_EXTERNAL_ID)),
        Group("Sekoia, by OIDC", (SEKOIA_PROVIDER, SEKOIA_COMMUNITY, SEKOIA_CONFIGURATION)),
        Group("Alarms and keeping", (*names.ALARM_EMAILS, KEEP_DAYS)),
        Group("Your organization's rules", (names.ROLE_PATH, names.PERMISSIONS_BOUNDARY)),
        Group("Tags", (names.TAG_KEY, names.TAG_VALUE)),
    ]


def _organization() -> Part:
    return Part(
        parameters=[
            Parameter(
                names.ORGANIZATION_ID,
                Type="String",
                AllowedPattern=r"^o-[a-z0-9]{10,32}$",
                ConstraintDescription="must be an organization id such as o-a1b2c3d4e5",
                Description="The id of your organization: the trail writes below it.",
            ),
            Parameter(
                names.MANAGEMENT_ACCOUNT,
                Type="String",
                AllowedPattern=r"^\d{12}$",
                ConstraintDescription="must be an account id of 12 digits",
                Description="Your management account: an organization trail is always its own.",
            ),
        ]
    )


# --- The bucket


_TRAIL = f"arn:${{AWS::Partition}}:cloudtrail:${{Home}}:${{{names.MANAGEMENT_ACCOUNT}}}:trail/"


def _trail_arn(prefix: str) -> Sub:
    """The one trail that may write: the new one, or the one that the parameters name.

    Its account is the management account even when a delegated administrator made it.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    return Sub(
        f"{_TRAIL}${{Name}}",
        Home=If(_TRAIL_ELSEWHERE, Ref(TRAIL_REGION), Ref("AWS::Region")),
        Name=If(_MAKES_TRAIL, names.organization_trail(prefix), Ref(TRAIL_NAME)),
    )


def _bucket(prefix: str) -> Part:
    trail = _trail_arn(prefix)
    grants = [policies.key_owner(), *policies.key_for_trail(trail)]
    key = kms.Key(
        TRAIL_KEY,
        Description="Trailbus: encrypts the organization trail's log files.",
        EnableKeyRotation=True,
        KeyPolicy=policies.document(*grants),
        Metadata={"Reasons": policies.reasons(*grants)},
        # Without it nobody could read the log files again.
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    alias = kms.Alias(
        "TrailKeyAlias",
        AliasName=f"alias/{names.intake(prefix, 'trail')}",
        TargetKeyId=GetAtt(key, "Arn"),
    )
    name = names.intake_bucket(prefix)
    bucket = s3.Bucket(
        BUCKET,
        # S3 tries the queue when it is told of it.
        DependsOn="QueuePolicy",
        BucketName=Sub(name),
        BucketEncryption=_encryption(key),
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
        LifecycleConfiguration=_lifecycle(),
        NotificationConfiguration=_notifications(),
        DeletionPolicy="RetainExceptOnCreate",
        UpdateReplacePolicy="Retain",
    )
    may = [
        policies.only_encrypted_transport(policies.bucket_arn(name)),
        *policies.trail_may_deliver(name, trail),
    ]
    policy = s3.BucketPolicy(
        "BucketPolicy",
        Bucket=Ref(bucket),
        PolicyDocument=policies.document(*may),
        Metadata={"Reasons": policies.reasons(*may)},
    )
    return Part(
        resources=[key, alias, bucket, policy],
        parameters=_bucket_parameters(prefix),
        conditions={
            _TRAIL_ELSEWHERE: And(Not(Condition(_MAKES_TRAIL)), Not(Equals(Ref(TRAIL_REGION), ""))),
        },
        outputs=[
            Output("BucketName", Description="Where the trail writes.", Value=Ref(bucket)),
            Output(
                "TrailKeyArn",
                Description="The key that the trail encrypts with.",
                Value=GetAtt(key, "Arn"),
            ),
            Output(
                "TrailArn",
                Description="The one trail that may write to the bucket.",
                Value=_trail_arn(prefix),
            ),
        ],
    )


def _bucket_parameters(prefix: str) -> list[Parameter]:
    return [
        Parameter(
            TRAIL_NAME,
            Type="String",
            Default=names.organization_trail(prefix),
            AllowedPattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]$",
            ConstraintDescription="must be the name of a trail",
            Description="The name of the organization trail that writes here, if this stack does "
            "not make it.",
        ),
        Parameter(
            TRAIL_REGION,
            Type="String",
            Default="",
            AllowedPattern=f"^$|^{names.REGION_FORM}$",
            ConstraintDescription="must be a Region, or empty",
            Description="That trail's home Region; empty for the Region of this stack.",
        ),
        Parameter(
            KEEP_DAYS,
            Type="Number",
            Default=365,
            MinValue=1,
            MaxValue=36500,
            Description="How many days log files are kept.",
        ),
    ]


def _encryption(key: kms.Key) -> s3.BucketEncryption:
    """No bucket key: CloudTrail's context, by which the key policy knows it, would be lost in it.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
    """
    default = s3.ServerSideEncryptionByDefault(
        SSEAlgorithm="aws:kms", KMSMasterKeyID=GetAtt(key, "Arn")
    )
    rule = s3.ServerSideEncryptionRule(ServerSideEncryptionByDefault=default)
    return s3.BucketEncryption(ServerSideEncryptionConfiguration=[rule])


def _lifecycle() -> s3.LifecycleConfiguration:
    """What was overwritten or deleted before its time stays for a month: long enough to notice."""
    rule = s3.LifecycleRule(
        Id="keep",
        Status="Enabled",
        ExpirationInDays=Ref(KEEP_DAYS),
        NoncurrentVersionExpiration=s3.NoncurrentVersionExpiration(NoncurrentDays=30),
        AbortIncompleteMultipartUpload=s3.AbortIncompleteMultipartUpload(DaysAfterInitiation=7),
    )
    return s3.LifecycleConfiguration(Rules=[rule])


def _notifications() -> s3.NotificationConfiguration:
    """Log files, straight to the queue: readers want S3's own message without an envelope.

    A filter is a prefix and a suffix, so it keeps out what is no log file by its name (the empty
    objects that stand for folders, somebody's own files). Digests have the prefix and the suffix
    of log files, with the account in between, so they are told of as well; they hold no `Records`.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
    """
    return s3.NotificationConfiguration(
        QueueConfigurations=[
            s3.QueueConfigurations(
                Event="s3:ObjectCreated:*",
                Filter=s3.Filter(
                    S3Key=s3.S3Key(
                        Rules=[
                            s3.Rules(Name="prefix", Value="AWSLogs/"),
                            s3.Rules(Name="suffix", Value=".json.gz"),
                        ]
                    )
                ),
                Queue=GetAtt(QUEUE, "Arn"),
            )
        ]
    )


# --- The queue


def _feed(prefix: str) -> Part:
    """The queue under the key that SQS manages: S3 delivers to it without further permissions.

    Its policy names the bucket by the name that it will have: the bucket waits for the policy, so
    the policy cannot wait for the bucket.
    """
    name = names.intake(prefix)
    letters_name = names.dead_letter_queue(name)
    letters = queues.dead_letter_queue("DeadLetters", letters_name, source=name)
    queue = queues.queue(
        QUEUE,
        name,
        retention=queues.TWO_WEEKS,
        visibility=300,
        dead_letters=letters,
        tries=TRIES,
    )
    policy = queues.queue_policy(
        "QueuePolicy",
        queue,
        policies.bucket_may_notify(GetAtt(queue, "Arn"), names.intake_bucket(prefix)),
    )
    alarm = alarms.dead_letters(
        "DeadLettersAlarm",
        letters_name,
        letters_name,
        f"The SIEM received them {TRIES} times and deleted none: read its log, repair it, then "
        f"move them back to {name} with a redrive of this queue.",
    )
    return Part(
        resources=[
            letters,
            queue,
            policy,
            alarm,
            _alarm(
                "UnreadAlarm",
                f"{name}-unread",
                f"Notifications lie in {name} for more than an hour: the SIEM does not read, or "
                "not fast enough. They are kept for two weeks.",
                name,
                MetricName="ApproximateAgeOfOldestMessage",
                Statistic="Maximum",
                Threshold=3600,
                ComparisonOperator="GreaterThanThreshold",
                TreatMissingData="notBreaching",
            ),
            _alarm(
                "SilenceAlarm",
                f"{name}-silent",
                f"For an hour no log file was announced on {name}: the trail is stopped, it may "
                "not write to the bucket, or the bucket's notifications are gone. Look at the "
                "trail's status, then at the policies of bucket, key and queue.",
                name,
                MetricName="NumberOfMessagesSent",
                Statistic="Sum",
                Threshold=1,
                ComparisonOperator="LessThanThreshold",
                TreatMissingData="breaching",
            ),
        ],
        outputs=[
            Output("QueueName", Description="The SIEM's queue, by name.", Value=name),
            Output("QueueUrl", Description="The SIEM's queue, by URL.", Value=Ref(queue)),
            Output("QueueArn", Description="The SIEM's queue, by ARN.", Value=GetAtt(queue, "Arn")),
        ],
    )


def _alarm(title: str, name: str, description: str, queue_name: str, **more: Any) -> Alarm:
    return Alarm(
        title,
        AlarmName=name,
        AlarmDescription=description,
        Namespace="AWS/SQS",
        Dimensions=[MetricDimension(Name="QueueName", Value=queue_name)],
        Period=3600,
        EvaluationPeriods=1,
        AlarmActions=[Ref(names.ALARM_TOPIC)],
        OKActions=[Ref(names.ALARM_TOPIC)],
        **more,
    )


# --- Who reads


def _reader(prefix: str) -> Part:
    """A role for a SIEM with AWS credentials of its own."""
    given = {READER_ROLE: _BY_ROLE, READER_EXTERNAL_ID: _BY_ID}
    role = roles.role(
        "ReaderRole",
        names.intake(prefix, "reader"),
        "Reads the organization trail's log files for a SIEM.",
        policies.trust_reader(READER_ACCOUNT, READER_ROLE, READER_EXTERNAL_ID, _BY_ROLE, _BY_ID),
        *_reads(prefix),
        Condition=_HAS_READER,
    )
    return Part(
        resources=[role],
        parameters=[
            Parameter(
                READER_ACCOUNT,
                Type="String",
                Default="",
                AllowedPattern=r"^$|^\d{12}$",
                ConstraintDescription="must be an account id of 12 digits, or empty",
                Description="Optional: the account in which the SIEM runs. It may then assume a "
                "role that reads the queue and the log files.",
            ),
            Parameter(
                READER_ROLE,
                Type="String",
                Default="",
                AllowedPattern=r"^$|^arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+$",
                ConstraintDescription="must be the ARN of a role or user, or empty",
                Description="The role, in that account, with which the SIEM runs: nobody else "
                "there may assume ours. May be left out if there is an external id.",
            ),
            Parameter(
                READER_EXTERNAL_ID,
                Type="String",
                Default="",
                AllowedPattern=r"^$|^[\w+=,.@:/-]{2,1224}$",
                ConstraintDescription="must be an external id of 2 to 1224 characters, or empty",
                Description="The external id that the SIEM's vendor gave you.",
            ),
        ],
        conditions={
            _HAS_READER: Not(Equals(Ref(READER_ACCOUNT), "")),
            **{name: Not(Equals(Ref(parameter), "")) for parameter, name in given.items()},
        },
        rules={
            "TheReaderIsKnown": rule(
                is_given(READER_ACCOUNT),
                {"Fn::Or": [is_given(parameter) for parameter in given]},
                "Anybody in the SIEM's account could read the log files: give its role, its "
                "external id, or both.",
            ),
            "TheReaderHasAnAccount": rule(
                {"Fn::Or": [is_given(parameter) for parameter in given]},
                is_given(READER_ACCOUNT),
                "Without the account of the SIEM nobody gets in: give ReaderAccountId too.",
            ),
        },
        outputs=[_role_output("ReaderRoleArn", "ReaderRole", _HAS_READER)],
    )


def _sekoia(prefix: str) -> Part:
    """A role for Sekoia, which brings tokens of its own OIDC provider instead of credentials."""
    uuids = {
        SEKOIA_COMMUNITY: "Sekoia: the UUID of your community.",
        SEKOIA_CONFIGURATION: "Sekoia: the UUID of the module configuration in its playbooks.",
    }
    subject = Sub(f"community:${{{SEKOIA_COMMUNITY}}}:modconf:${{{SEKOIA_CONFIGURATION}}}")
    role = roles.role(
        "SekoiaRole",
        names.intake(prefix, "sekoia"),
        "Reads the organization trail's log files for Sekoia.",
        policies.trust_web_identity(Ref(SEKOIA_PROVIDER), SEKOIA, "sts.amazonaws.com", subject),
        *_reads(prefix),
        Condition=_HAS_SEKOIA,
    )
    return Part(
        resources=[role],
        parameters=[
            Parameter(
                SEKOIA_PROVIDER,
                Type="String",
                Default="",
                AllowedPattern=rf"^$|^arn:aws[a-z-]*:iam::\d{{12}}:oidc-provider/{SEKOIA}$",
                ConstraintDescription=f"must be the ARN of the OIDC provider {SEKOIA}, or empty",
                Description="Optional, for Sekoia: the ARN of its OIDC provider in this account.",
            ),
            *(
                Parameter(
                    name,
                    Type="String",
                    Default="",
                    AllowedPattern=r"^$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
                    ConstraintDescription="must be a UUID in small letters, or empty",
                    Description=description,
                )
                for name, description in uuids.items()
            ),
        ],
        conditions={_HAS_SEKOIA: Not(Equals(Ref(SEKOIA_PROVIDER), ""))},
        rules={
            "SekoiaIsKnown": {
                "RuleCondition": is_given(SEKOIA_PROVIDER),
                "Assertions": [
                    assertion(
                        is_given(name),
                        "Sekoia's provider serves all of its customers: say which is yours "
                        f"({name}).",
                    )
                    for name in uuids
                ],
            },
            "SekoiaHasAProvider": rule(
                {"Fn::Or": [is_given(name) for name in uuids]},
                is_given(SEKOIA_PROVIDER),
                "Without its OIDC provider Sekoia does not get in: give SekoiaOidcProviderArn too.",
            ),
        },
        outputs=[_role_output("SekoiaRoleArn", "SekoiaRole", _HAS_SEKOIA)],
    )


def _reads(prefix: str) -> list[policies.Grant]:
    return [
        policies.consume(GetAtt(QUEUE, "Arn")),
        *policies.read_trail(names.intake_bucket(prefix), GetAtt(TRAIL_KEY, "Arn")),
    ]


def _role_output(title: str, role: str, condition: str) -> Output:
    return Output(
        title,
        Condition=condition,
        Description="The role that the SIEM assumes.",
        Value=GetAtt(role, "Arn"),
    )


# --- The trail


def _trail(prefix: str) -> Part:
    """The organization trail itself, where no other is to be paid for a second time.

    CloudTrail lets its delegated administrator make it as well, but CloudFormation does not get
    through there: the trail is the management account's, and the resource type then looks for its
    bare name in the account of the stack.
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1932
    """
    trail = cloudtrail.Trail(
        "OrganizationTrail",
        Condition=_MAKES_TRAIL,
        DependsOn="BucketPolicy",
        TrailName=names.organization_trail(prefix),
        S3BucketName=Ref(BUCKET),
        KMSKeyId=GetAtt(TRAIL_KEY, "Arn"),
        IsLogging=True,
        IsOrganizationTrail=True,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        AdvancedEventSelectors=_selectors(prefix),
        InsightSelectors=If(
            _RATES,
            [
                cloudtrail.InsightSelector(InsightType="ApiCallRateInsight"),
                If(_ERRORS, cloudtrail.InsightSelector(InsightType="ApiErrorRateInsight"), NoValue),
            ],
            NoValue,
        ),
    )
    return Part(
        resources=[trail],
        parameters=[
            Parameter(
                MAKE_TRAIL,
                Type="String",
                Default="no",
                AllowedValues=["no", "yes"],
                Description="Whether this stack makes the organization trail: in the management "
                "account only. Elsewhere CloudTrail's delegated administrator makes it by the "
                "command that this stack's output NewTrailCommand holds. A second trail of "
                "management events is billed.",
            ),
            Parameter(
                MANAGEMENT_EVENTS,
                Type="String",
                Default="all",
                AllowedValues=["all", "without-kms-and-rds-data"],
                Description="The new trail's management events; leaving out those of KMS and the "
                "RDS Data API saves most of the volume where these are used a lot.",
            ),
            Parameter(
                DATA_EVENTS,
                Type="String",
                Default="none",
                AllowedValues=list(_DATA_CHOICES),
                Description="The new trail's data events: on S3 objects (but not on this bucket's "
                "own), Lambda invocations, both or none. They are billed by number.",
            ),
            Parameter(
                INSIGHTS,
                Type="String",
                Default="none",
                AllowedValues=list(_INSIGHT_CHOICES),
                Description="Whether CloudTrail looks for unusual rates of calls, and of errors.",
            ),
        ],
        conditions={
            _MAKES_TRAIL: Equals(Ref(MAKE_TRAIL), "yes"),
            _MAKES_NO_TRAIL: Not(Condition(_MAKES_TRAIL)),
            _QUIET: Not(Equals(Ref(MANAGEMENT_EVENTS), "all")),
            _OBJECTS: Or(*(Equals(Ref(DATA_EVENTS), one) for one in _DATA_CHOICES[1::2])),
            _INVOCATIONS: Or(*(Equals(Ref(DATA_EVENTS), one) for one in _DATA_CHOICES[2:])),
            _RATES: Not(Equals(Ref(INSIGHTS), _INSIGHT_CHOICES[0])),
            _ERRORS: Equals(Ref(INSIGHTS), _INSIGHT_CHOICES[2]),
        },
        rules={
            "TheManagementAccountMakesTheTrail": rule(
                equals(MAKE_TRAIL, "yes"),
                {"Fn::Equals": [{"Ref": "AWS::AccountId"}, {"Ref": names.MANAGEMENT_ACCOUNT}]},
                "CloudFormation can make an organization trail in the management account only: "
                "say no here, then make it by the command in the output NewTrailCommand.",
            ),
            "AnExistingTrailKeepsItsChoices": {
                "RuleCondition": equals(MAKE_TRAIL, "no"),
                "Assertions": [
                    assertion(
                        equals(parameter, default),
                        f"{parameter} is of the trail that this stack makes, and it makes none: "
                        "choose that at the existing trail.",
                    )
                    for parameter, default in _CHOICES_OF_A_NEW_TRAIL.items()
                ],
            },
        },
        outputs=[
            Output(
                "NewTrailCommand",
                Condition=_MAKES_NO_TRAIL,
                Description="Where there is no organization trail yet: the management account or "
                "CloudTrail's delegated administrator makes it so.",
                Value=_command(),
            )
        ],
    )


def _command() -> Sub:
    """Makes and starts the trail. To start it takes the ARN: by its name alone only the
    management account finds it.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-an-organizational-trail-by-using-the-aws-cli.html
    """
    return Sub(
        "aws cloudtrail create-trail --region ${Home} --name ${Name} --is-organization-trail "
        "--is-multi-region-trail --enable-log-file-validation --s3-bucket-name ${Bucket} "
        "--kms-key-id ${Key} && aws cloudtrail start-logging --region ${Home} "
        f"--name {_TRAIL}${{Name}}",
        Home=If(_TRAIL_ELSEWHERE, Ref(TRAIL_REGION), Ref("AWS::Region")),
        Name=Ref(TRAIL_NAME),
        Bucket=Ref(BUCKET),
        Key=GetAtt(TRAIL_KEY, "Arn"),
    )


def _selectors(prefix: str) -> list[Any]:
    """What the trail records.

    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html
    """
    noisy = _field("eventSource", NotEquals=["kms.amazonaws.com", "rdsdata.amazonaws.com"])
    # What the trail writes here would be written here again.
    own_bucket = policies.arn("s3", f"{names.intake_bucket(prefix)}/")
    return [
        _selector(
            "Management events",
            _field("eventCategory", Equals=["Management"]),
            If(_QUIET, noisy, NoValue),
        ),
        If(
            _OBJECTS,
            _selector(
                "Objects in S3",
                _field("eventCategory", Equals=["Data"]),
                _field("resources.type", Equals=["AWS::S3::Object"]),
                _field("resources.ARN", NotStartsWith=[own_bucket]),
            ),
            NoValue,
        ),
        If(
            _INVOCATIONS,
            _selector(
                "Invocations of functions",
                _field("eventCategory", Equals=["Data"]),
                _field("resources.type", Equals=["AWS::Lambda::Function"]),
            ),
            NoValue,
        ),
    ]


def _selector(name: str, *fields: Any) -> cloudtrail.AdvancedEventSelector:
    return cloudtrail.AdvancedEventSelector(Name=name, FieldSelectors=list(fields))


def _field(field: str, **how: list[Any]) -> cloudtrail.AdvancedFieldSelector:
    return cloudtrail.AdvancedFieldSelector(Field=field, **how)


# --- The stack's own alarms


def _alarms(prefix: str) -> list[Part]:
    name = names.intake(prefix)
    key = hearing.topic_key(
        names.TOPIC_KEY,
        names.intake(prefix, "topics"),
        "Trailbus: encrypts the intake's alarm topic.",
        "cloudwatch.amazonaws.com",
    )
    heard = hearing.alarm_topic(names.intake(prefix, "alarms"), name, key)
    return [heard, hearing.unheard(names.unheard_queue(name), heard.resources)]
