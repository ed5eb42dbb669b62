{{/* Names of the Secrets with the certificates of scaler and KEDA. */}}
{{- define "posture.tlsSecrets" -}}
{{- $tls := .Values.scaler.tls -}}
{{- $instance := include "posture.instance" . -}}
server: {{ $tls.secretName | default (printf "%s-scaler-tls" $instance) }}
client: {{ $tls.clientSecretName | default (printf "%s-keda-tls" $instance) }}
{{- end }}

{{/* The scaler's pod with its certificate. The kubelet has none to show, so it asks the port
     of the metrics. */}}
{{- define "posture.tls" -}}
{{- $secrets := include "posture.tlsSecrets" .root | fromYaml -}}
{{- $container := first .pod.containers -}}
{{- $env := $container.env | default list -}}
{{- range $name, $file := dict "SCALER_CERT_FILE" "tls.crt" "SCALER_KEY_FILE" "tls.key" "SCALER_CLIENT_CA_FILE" "ca.crt" -}}
{{- $env = append $env (dict "name" $name "value" (printf "/tls/%s" $file)) -}}
{{- end -}}
{{- $_ := set $container "env" $env -}}
{{- $mount := dict "name" "tls" "mountPath" "/tls" "readOnly" true -}}
{{- $_ := set $container "volumeMounts" (append ($container.volumeMounts | default list) $mount) -}}
{{- $volume := dict "name" "tls" "secret" (dict "secretName" $secrets.server) -}}
{{- $_ := set .pod "volumes" (append (.pod.volumes | default list) $volume) -}}
{{- range $probe, $path := dict "startupProbe" "/livez" "livenessProbe" "/livez" "readinessProbe" "/healthz" -}}
{{- $asked := omit (get $container $probe) "grpc" -}}
{{- $_ := set $asked "httpGet" (dict "path" $path "port" "metrics") -}}
{{- $_ := set $container $probe $asked -}}
{{- end -}}
{{- end }}
