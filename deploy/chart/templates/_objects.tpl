{{/* The chart has no objects of its own: it reads the manifests that `kubectl apply` takes
     too, and changes names, images and what the values say. */}}

{{- define "posture.instance" -}}
{{ .Values.instance | default .Release.Name }}
{{- end }}

{{- define "posture.agentNamespace" -}}
{{ .Values.nodeAgent.namespace | default (printf "%s-node-agent" (include "posture.instance" .)) }}
{{- end }}

{{/* The text of a manifest, with this instance's names in this release's namespace. */}}
{{- define "posture.text" -}}
{{- $instance := include "posture.instance" .root -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $text := .root.Files.Get (printf "manifests/%s.yaml" .file) | required (printf "manifests/%s.yaml is not in the chart" .file) -}}
{{- $text = $text | replace "posture-node-agent" "@agent@" | replace "part-of: posture-analyzer" "part-of: @part@" -}}
{{- $text = regexReplaceAll "posture-([a-z])" $text (printf "%s-${1}" $instance) -}}
{{- $text = $text | replace "@part@" "posture-analyzer" -}}
{{- $text = regexReplaceAll "namespace: default" $text (printf "namespace: %s" $namespace) -}}
{{- $text = $text | replace ".default.svc" (printf ".%s.svc" $namespace) | replace ":default:" (printf ":%s:" $namespace) -}}
{{- $text = $text | replace "namespace: @agent@" (printf "namespace: %s" (include "posture.agentNamespace" .root)) -}}
{{- $text = $text | replace "@agent@" (printf "%s-node-agent" $instance) -}}
{{- range $from, $to := .edits -}}{{- $text = $text | replace $from $to -}}{{- end -}}
{{- $text -}}
{{- end }}

{{/* Every object of a manifest, completed. `skip` names kinds that are left out, `parts` has
     values by the end of a name, `labels` has more of them. */}}
{{- define "posture.objects" -}}
{{- $root := .root -}}
{{- $skip := .skip | default list -}}
{{- range $part := regexSplit "(?m)^---$" (include "posture.text" .) -1 -}}
{{- $object := fromYaml $part -}}
{{- if hasKey $object "Error" -}}{{ fail (printf "manifests/%s.yaml: %s" $.file $object.Error) }}{{- end -}}
{{- if and $object.kind (not (has $object.kind $skip)) -}}
{{- $values := $.values -}}
{{- range $end, $each := $.parts -}}
{{- if hasSuffix $end $object.metadata.name -}}{{- $values = $each -}}{{- end -}}
{{- end -}}
{{- include "posture.complete" (dict "root" $root "object" $object "values" $values) -}}
{{- with $.labels -}}{{- $_ := set $object.metadata "labels" (merge $object.metadata.labels .) -}}{{- end -}}
---
{{ toYaml $object }}
{{ end -}}
{{- end -}}
{{- end }}

{{- define "posture.complete" -}}
{{- $root := .root -}}
{{- $object := .object -}}
{{- include "posture.labels" (dict "root" $root "metadata" $object.metadata) -}}
{{- if has $object.kind (list "ClusterRole" "ClusterRoleBinding" "ValidatingAdmissionPolicy" "ValidatingAdmissionPolicyBinding") -}}
{{- include "posture.clusterwide" . -}}
{{- end -}}
{{- if eq $object.kind "Namespace" -}}
{{- $_ := set $object.metadata "name" (include "posture.agentNamespace" $root) -}}
{{- end -}}
{{- $spec := $object.spec | default dict -}}
{{- $template := dict -}}
{{- if eq $object.kind "CronJob" -}}{{- $template = $spec.jobTemplate.spec.template -}}
{{- else if eq $object.kind "ScaledJob" -}}{{- $template = $spec.jobTargetRef.template -}}
{{- else if has $object.kind (list "Deployment" "DaemonSet") -}}{{- $template = $spec.template -}}
{{- end -}}
{{- if $template -}}
{{- include "posture.pod" (dict "root" $root "template" $template "values" (.values | default dict)) -}}
{{- if and (eq $object.kind "Deployment") ((.values | default dict).tls | default dict).enabled -}}
{{- include "posture.tls" (dict "root" $root "pod" $template.spec) -}}
{{- end -}}
{{- if and (hasKey (.values | default dict) "replicas") (eq $object.kind "Deployment") -}}
{{- $_ := set $spec "replicas" (int .values.replicas) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "posture.labels" -}}
{{- $labels := .metadata.labels | default dict -}}
{{- $_ := set $labels "app.kubernetes.io/instance" .root.Release.Name -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- /* Helm wants the label above for itself; this one is for launcher and stop.py. */ -}}
{{- $_ := set $labels "posture-analyzer/made-by" "chart" -}}
{{- $_ := set $labels "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version) -}}
{{- $_ := set .metadata "labels" $labels -}}
{{- end }}

{{/* What belongs to no namespace has this one in its name: two releases may live apart. */}}
{{- define "posture.clusterwide" -}}
{{- $end := printf "-%s" .root.Release.Namespace -}}
{{- $object := .object -}}
{{- $_ := set $object.metadata "name" (printf "%s%s" (trimSuffix "-default" $object.metadata.name) $end) -}}
{{- if eq $object.kind "ClusterRoleBinding" -}}
{{- $_ := set $object.roleRef "name" (printf "%s%s" $object.roleRef.name $end) -}}
{{- else if eq $object.kind "ValidatingAdmissionPolicyBinding" -}}
{{- $_ := set $object.spec "policyName" $object.metadata.name -}}
{{- end -}}
{{- end }}

{{- define "posture.pod" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $template := .template -}}
{{- $pod := $template.spec -}}
{{- $container := first $pod.containers -}}
{{- $_ := set $container "image" (include "posture.image" (dict "root" $root "image" $container.image)) -}}
{{- include "posture.secrets" (dict "root" $root "container" $container) -}}
{{- with $values.podAnnotations -}}
{{- $_ := set $template.metadata "annotations" (merge . ($template.metadata.annotations | default dict)) -}}
{{- end -}}
{{- with $root.Values.imagePullSecrets -}}{{- $_ := set $pod "imagePullSecrets" . -}}{{- end -}}
{{- with $root.Values.priorityClassName -}}{{- $_ := set $pod "priorityClassName" . -}}{{- end -}}
{{- with $values.runtimeClassName -}}{{- $_ := set $pod "runtimeClassName" . -}}{{- end -}}
{{- with $values.nodeSelector -}}{{- $_ := set $pod "nodeSelector" (merge . ($pod.nodeSelector | default dict)) -}}{{- end -}}
{{- with $values.tolerations -}}{{- $_ := set $pod "tolerations" (concat ($pod.tolerations | default list) .) -}}{{- end -}}
{{- with $values.resources -}}{{- $_ := set $container "resources" (mergeOverwrite $container.resources .) -}}{{- end -}}
{{- include "posture.env" (dict "container" $container "env" $values.env) -}}
{{- end }}

{{/* Variables of the values, in place of the manifest's of the same name. */}}
{{- define "posture.env" -}}
{{- $given := .env | default dict -}}
{{- $all := list -}}
{{- range .container.env -}}
{{- if not (hasKey $given .name) -}}{{- $all = append $all . -}}{{- end -}}
{{- end -}}
{{- range $name, $value := $given -}}
{{- $all = append $all (dict "name" $name "value" (toString $value)) -}}
{{- end -}}
{{- if $all -}}{{- $_ := set .container "env" $all -}}{{- end -}}
{{- end }}

{{- define "posture.image" -}}
{{- $names := dict "analyzer" "analyzer" "placement" "placement" "page" "page" "node-agent" "nodeAgent" -}}
{{- $name := regexReplaceAll (printf "^.*/%s-" (include "posture.instance" .root)) .image "" -}}
{{- $given := get .root.Values.images (get $names $name) -}}
{{- if $given -}}{{ $given }}
{{- else -}}
{{- $repository := printf "shahroz90/posture-%s:%s" $name .root.Chart.AppVersion -}}
{{- with .root.Values.global.registry -}}{{ trimSuffix "/" . }}/{{ end -}}{{ $repository }}
{{- end -}}
{{- end }}

{{/* The names of Secrets that exist already. */}}
{{- define "posture.secrets" -}}
{{- $values := .root.Values -}}
{{- $instance := include "posture.instance" .root -}}
{{- $given := dict "analyzer" $values.existingSecret "placement" $values.placement.existingSecret "page" $values.page.existingSecret "nudge" $values.nudge.existingSecret "retention" $values.retention.existingSecret -}}
{{- range $name, $secret := $given -}}
{{- if $secret -}}
{{- range $.container.envFrom -}}
{{- if eq ((.secretRef | default dict).name | default "") (printf "%s-%s" $instance $name) -}}{{- $_ := set .secretRef "name" $secret -}}{{- end -}}
{{- end -}}
{{- range $.container.env -}}
{{- $key := (.valueFrom | default dict).secretKeyRef | default dict -}}
{{- if eq ($key.name | default "") (printf "%s-%s" $instance $name) -}}{{- $_ := set $key "name" $secret -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
