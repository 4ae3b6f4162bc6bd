{{/* The name of what the release has of this chart; a CronJob's may have 52 characters. */}}
{{- define "smokegate.name" -}}
{{ .Release.Name | trunc 38 | trimSuffix "-" }}-smokegate
{{- end }}

{{- define "smokegate.labels" -}}
app.kubernetes.io/name: smokegate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* What every pod may do: next to nothing. */}}
{{- define "smokegate.confined" -}}
automountServiceAccountToken: false
# The variables of a Service named smokegate would look like settings.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: tmp
    emptyDir: {}
{{- end }}

{{- define "smokegate.container" -}}
image: {{ .Values.image | quote }}
imagePullPolicy: {{ .Values.pullPolicy }}
{{- with .Values.configMapName }}
envFrom:
  - configMapRef:
      name: {{ . }}
{{- end }}
resources:
  requests:
    cpu: {{ .Values.resources.cpu }}
    memory: {{ .Values.resources.memoryRequest }}
  limits:
    memory: {{ .Values.resources.memoryLimit }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- end }}

{{/* A variable from a key of the Secret, which need not be there. */}}
{{- define "smokegate.secret" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .key }}
      optional: {{ .optional }}
{{- end }}

{{/* The specification of a pod that verifies once: `options` of the run, after the suites. */}}
{{- define "smokegate.run" -}}
{{- $secret := .Values.secretName -}}
restartPolicy: Never
{{ include "smokegate.confined" . }}
containers:
  - name: smokegate
    args: {{ concat (list "run" "/suites") (default (list) .options) | toJson }}
    env:
      - name: PRODUCTION_URL
        value: {{ .Values.target | quote }}
      - name: SMOKEGATE_ENVIRONMENT
        value: {{ .Values.environment | quote }}
      {{- if $secret }}
      {{- include "smokegate.secret" (dict "variable" "SMOKEGATE_HISTORY" "key" "history" "secretName" $secret "optional" false) | nindent 6 }}
      {{- include "smokegate.secret" (dict "variable" "TEST_PASSWORD" "key" "test-password" "secretName" $secret "optional" true) | nindent 6 }}
      {{- include "smokegate.secret" (dict "variable" "SMOKEGATE_SIGNING_KEY" "key" "signing-key" "secretName" $secret "optional" true) | nindent 6 }}
      {{- else }}
      - name: SMOKEGATE_HISTORY
        value: none
      {{- end }}
    {{- include "smokegate.container" . | nindent 4 }}
{{- end }}

{{/* The specification of a Job that verifies once: a verdict is not tried for again, but a pod that
     was evicted has none. */}}
{{- define "smokegate.job" -}}
backoffLimit: 0
activeDeadlineSeconds: {{ .Values.deadlineSeconds }}
podFailurePolicy:
  rules:
    - action: Ignore
      onPodConditions:
        - type: DisruptionTarget
          status: "True"
template:
  metadata:
    labels:
      {{- include "smokegate.labels" . | nindent 6 }}
      app.kubernetes.io/component: run
  spec:
    {{- include "smokegate.run" . | nindent 4 }}
{{- end }}
