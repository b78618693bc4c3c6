{{- define "auditail.labels" -}}
app.kubernetes.io/name: auditail
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "auditail.selector" -}}
app.kubernetes.io/name: auditail
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "auditail.port" -}}
{{- $listen := dig "telemetry" "listen" "127.0.0.1:9465" .Values.config -}}
{{- if eq $listen "off" }}{{ fail "config.telemetry.listen is off: the probes of the pod need an address, such as 0.0.0.0:9465" }}{{ end -}}
{{- regexFind "[0-9]+$" $listen -}}
{{- end }}
