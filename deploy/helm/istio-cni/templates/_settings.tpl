{{/* Settings derived from others. Each renders text, empty for false. */}}

{{- define "istio-cni.labels" -}}
app.kubernetes.io/name: istio-cni
app.kubernetes.io/part-of: istio
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
istio.io/rev: {{ .Values.revision | default "default" | quote }}
k8s-app: istio-cni-node
{{- end }}

{{- define "istio-cni.subject" -}}
- kind: ServiceAccount
  name: istio-cni
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "istio-cni.binDir" -}}
{{- $dirs := dict
  "gke" "/home/kubernetes/bin"
  "openshift" "/var/lib/cni/bin"
  "k3s" "/var/lib/rancher/k3s/data/cni"
  "k3d" "/bin"
  "microk8s" "/var/snap/microk8s/current/opt/cni/bin" -}}
{{- .Values.cni.cniBinDir | default (get $dirs .Values.global.platform) | default "/opt/cni/bin" -}}
{{- end }}

{{- define "istio-cni.confDir" -}}
{{- $k3s := "/var/lib/rancher/k3s/agent/etc/cni/net.d" -}}
{{- $dirs := dict
  "openshift" "/etc/cni/multus/net.d"
  "k3s" $k3s
  "k3d" $k3s
  "microk8s" "/var/snap/microk8s/current/args/cni-network" -}}
{{- .Values.cni.cniConfDir | default (get $dirs .Values.global.platform) | default "/etc/cni/net.d" -}}
{{- end }}

{{- define "istio-cni.netnsDir" -}}
{{- $usual := eq .Values.global.platform "minikube" | ternary "/var/run/docker/netns" "/var/run/netns" -}}
{{- .Values.cni.cniNetnsDir | default $usual -}}
{{- end }}

{{- define "istio-cni.openShift" -}}
{{- if or (eq .Values.global.platform "openshift") (eq (include "istio-cni.confDir" .) "/etc/cni/multus/net.d") }}true{{ end -}}
{{- end }}

{{- define "istio-cni.chained" -}}
{{- if kindIs "invalid" .Values.cni.chained -}}
{{- if ne .Values.global.platform "openshift" }}true{{ end -}}
{{- else if .Values.cni.chained }}true{{ end -}}
{{- end }}

{{- define "istio-cni.multus" -}}
{{- if .Values.cni.provider -}}
{{- if eq .Values.cni.provider "multus" }}true{{ end -}}
{{- else if not (include "istio-cni.chained" .) -}}
{{- $networks := get (.Values.sidecarInjectorWebhook.injectedAnnotations | default dict) "k8s.v1.cni.cncf.io/networks" -}}
{{- if or (include "istio-cni.openShift" .) $networks }}true{{ end -}}
{{- end -}}
{{- end }}

{{- define "istio-cni.confName" -}}
{{- if .Values.cni.cniConfFileName }}{{ .Values.cni.cniConfFileName -}}
{{- else if and (include "istio-cni.multus" .) (not (include "istio-cni.chained" .)) }}istio-cni.conf{{ end -}}
{{- end }}

{{- define "istio-cni.repairMode" -}}
{{- $repair := .Values.cni.repair -}}
{{- $mend := $repair.repairPods -}}
{{- if kindIs "invalid" $mend }}{{ $mend = not (or $repair.deletePods $repair.labelPods) }}{{ end -}}
{{- if $mend }}repair{{ else if $repair.deletePods }}delete{{ else if $repair.labelPods }}label{{ else }}report{{ end -}}
{{- end }}

{{/* Istio sets log levels by scope, such as default:info,cni:debug. */}}
{{- define "istio-cni.logLevel" -}}
{{- $levels := dict -}}
{{- range splitList "," (.Values.cni.logging.level | default .Values.global.logging.level | default "info") -}}
{{- $parts := splitList ":" . -}}
{{- $_ := set $levels (eq (len $parts) 1 | ternary "default" (first $parts | trim)) (last $parts | trim) -}}
{{- end -}}
{{- get $levels "cni" | default (get $levels "default") | default "info" -}}
{{- end }}

{{- define "istio-cni.image" -}}
{{- $image := .Values.cni.image -}}
{{- if contains "/" $image }}{{ $image }}{{ else -}}
{{ .Values.cni.hub }}/{{ $image }}:{{ .Values.cni.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Environment variables of install-cni, as a YAML mapping. */}}
{{- define "istio-cni.variables" -}}
{{- $mode := include "istio-cni.repairMode" . -}}
{{- $variables := dict
  "CHAINED_CNI_PLUGIN" (include "istio-cni.chained" . | default "false")
  "CNI_BIN_DIR_ON_HOST" (include "istio-cni.binDir" .)
  "CNI_NET_DIR_ON_HOST" (include "istio-cni.confDir" .)
  "EXCLUDE_NAMESPACES" (join "," .Values.cni.excludeNamespaces)
  "LOG_FORMAT" (.Values.global.logAsJson | ternary "json" "text")
  "LOG_LEVEL" (include "istio-cni.logLevel" .)
  "NATIVE_NFTABLES" (.Values.cni.nativeNftables | toString)
  "NODE_TAINT" (.Values.cni.nodeTaint | toString)
  "PLUGIN_LOG_LEVEL" .Values.cni.logLevel
  "REPAIR_DELETE_PODS" (eq $mode "delete" | toString)
  "REPAIR_ENABLED" (.Values.cni.repair.enabled | toString)
  "REPAIR_INIT_CONTAINER_NAME" .Values.cni.repair.initContainerName
  "REPAIR_LABEL_KEY" .Values.cni.repair.brokenPodLabelKey
  "REPAIR_LABEL_PODS" (eq $mode "label" | toString)
  "REPAIR_LABEL_VALUE" (.Values.cni.repair.brokenPodLabelValue | toString)
  "REPAIR_REPAIR_PODS" (eq $mode "repair" | toString) -}}
{{- with include "istio-cni.confName" . }}{{ $_ := set $variables "CNI_CONF_NAME" . }}{{ end -}}
{{- range $name, $value := .Values.cni.env }}{{ $_ := set $variables $name ($value | toString) }}{{ end -}}
{{- toYaml $variables -}}
{{- end }}
