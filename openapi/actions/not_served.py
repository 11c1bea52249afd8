"""Actions of the API whose features are not built: they are refused as not served, not as unknown."""

from openapi.actions.base import CMS, ECS, OOS


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOT_SERVED: dict[str, frozenset[str]] = {
    ECS: words(
        """
        SendFile DescribeSendFileResults ListPluginStatus StartTerminalSession EndTerminalSession
        DescribeTerminalSessions DescribeCloudAssistantSettings ModifyCloudAssistantSettings
        DescribeInstancesFullStatus DescribeInstanceHistoryEvents AcceptInquiredSystemEvent
        CreateSimulatedSystemEvents CancelSimulatedSystemEvents ModifyInstanceMaintenanceAttributes
        DescribeInstanceMaintenanceAttributes StartInstance StartInstances
        StopInstance StopInstances RedeployInstance GetInstanceConsoleOutput GetInstanceScreenshot
        DescribeInstanceMonitorData DescribeDiskMonitorData DescribeEniMonitorData CreateDiagnosticReport
        DescribeDiagnosticReports DescribeDiagnosticReportAttributes DeleteDiagnosticReports
        DescribeDiagnosticMetrics DescribeDiagnosticMetricSets CreateDiagnosticMetricSet
        ModifyDiagnosticMetricSet DeleteDiagnosticMetricSets ModifySystemEventAttribute
        """
    ),
    OOS: words(
        """
        CreateTemplate UpdateTemplate GetTemplate ListTemplates ListTemplateVersions DeleteTemplate
        DeleteTemplates ValidateTemplateContent StartExecution ListExecutions GetExecutionTemplate
        NotifyExecution CancelExecution TriggerExecution DeleteExecutions ListExecutionLogs
        ListTaskExecutions CreateParameter GetParameter GetParameters GetParametersByPath ListParameters
        ListParameterVersions UpdateParameter DeleteParameter CreateSecretParameter GetSecretParameter
        GetSecretParameters ListSecretParameters ListSecretParameterVersions UpdateSecretParameter
        DeleteSecretParameter GetServiceSettings SetServiceSettings TagResources UntagResources
        ListTagResources
        """
    ),
    CMS: words(
        """
        PutEventRule PutEventRuleTargets DescribeEventRuleList DescribeEventRuleTargetList EnableEventRules
        DisableEventRules DeleteEventRules DeleteEventRuleTargets SendDryRunSystemEvent
        DescribeSystemEventAttribute PutContact DescribeContactList DeleteContact PutContactGroup
        DescribeContactGroupList DeleteContactGroup PutResourceMetricRule EnableMetricRules
        DisableMetricRules DeleteMetricRules DescribeMetricList DescribeMetricLast PutCustomMetric
        DescribeMonitoringAgentStatuses InstallMonitoringAgent DescribeMetricRuleList DescribeAlertLogList
        """
    ),
}
