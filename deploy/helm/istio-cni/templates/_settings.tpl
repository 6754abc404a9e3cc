{{/* Settings derived from others. Each renders text, empty for false. */}}

{{- define "istio-cni.labels" -}}
app.kubernetes.io/name: istio-cni
app.kubernetes.io/part-of: istio
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
istio.io/rev: {{ include "istio-cni.revision" . | quote }}
k8s-app: istio-cni-node
{{- end }}

{{/* AppArmor's default profile denies access to processes of other pods; before Kubernetes 1.30 an annotation lifts it. */}}
{{- define "istio-cni.appArmorField" -}}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}true{{ end -}}
{{- end }}

{{- define "istio-cni.priorityClass" -}}
{{- include "istio-cni.text" .Values.cni.priorityClassName | default "system-node-critical" -}}
{{- end }}

{{/* The labels of the nodes that the daemon runs on. */}}
{{- define "istio-cni.nodeSelector" -}}
{{- $labels := dict "kubernetes.io/os" "linux" -}}
{{- $architecture := .Values.cni.architecture | default "amd64" -}}
{{- if ne $architecture "any" }}{{ $_ := set $labels "kubernetes.io/arch" $architecture }}{{ end -}}
{{- range $key, $value := include "istio-cni.texts" .Values.cni.nodeSelector | fromYaml -}}
{{- $_ := set $labels $key $value -}}
{{- end -}}
{{- toYaml $labels -}}
{{- end }}

{{- define "istio-cni.subject" -}}
- kind: ServiceAccount
  name: istio-cni
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* A directory without slashes at its end. */}}
{{- define "istio-cni.directory" -}}
{{- . | default "" | regexFind "^(.*[^/]|/)" -}}
{{- end }}

{{- define "istio-cni.binDir" -}}
{{- $dirs := dict
  "gke" "/home/kubernetes/bin"
  "openshift" "/var/lib/cni/bin"
  "k3s" "/var/lib/rancher/k3s/data/cni"
  "k3d" "/bin"
  "microk8s" "/var/snap/microk8s/current/opt/cni/bin" -}}
{{- include "istio-cni.directory" .Values.cni.cniBinDir | default (get $dirs .Values.platform) | default "/opt/cni/bin" -}}
{{- end }}

{{- define "istio-cni.confDir" -}}
{{- $k3s := "/var/lib/rancher/k3s/agent/etc/cni/net.d" -}}
{{- $dirs := dict
  "openshift" "/etc/cni/multus/net.d"
  "k3s" $k3s
  "k3d" $k3s
  "microk8s" "/var/snap/microk8s/current/args/cni-network" -}}
{{- include "istio-cni.directory" .Values.cni.cniConfDir | default (get $dirs .Values.platform) | default "/etc/cni/net.d" -}}
{{- end }}

{{- define "istio-cni.netnsDir" -}}
{{- $usual := eq .Values.platform "minikube" | ternary "/var/run/docker/netns" "/var/run/netns" -}}
{{- include "istio-cni.directory" .Values.cni.cniNetnsDir | default $usual -}}
{{- end }}

{{- define "istio-cni.openShift" -}}
{{- if or (eq .Values.platform "openshift") (eq (include "istio-cni.confDir" .) "/etc/cni/multus/net.d") }}true{{ end -}}
{{- end }}

{{- define "istio-cni.chained" -}}
{{- if kindIs "invalid" .Values.cni.chained -}}
{{- if ne .Values.platform "openshift" }}true{{ end -}}
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

{{/* A text as it is, a number without exponent. */}}
{{- define "istio-cni.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else if not (kindIs "invalid" .) }}{{ toJson . }}{{ end -}}
{{- end }}

{{/* A mapping of texts, as YAML; keys without a value are left out. */}}
{{- define "istio-cni.texts" -}}
{{- $texts := dict -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $texts $key (include "istio-cni.text" $value) }}{{ end -}}
{{- end -}}
{{- if $texts }}{{ toYaml $texts }}{{ end -}}
{{- end }}

{{/*
Log levels by scope as a YAML mapping. Istio writes info, all:warn, or default:info,cni-agent:debug; a level without scope
is that of default, and all replaces what is written before it. Argument: a list with the levels.
*/}}
{{- define "istio-cni.levels" -}}
{{- $text := index . 0 | default "" -}}
{{- $levels := dict -}}
{{- range $text | default "info" | splitList "," -}}
{{- $parts := regexSplit ":" . 2 -}}
{{- $scope := eq (len $parts) 1 | ternary "default" (first $parts | trim) -}}
{{- $level := last $parts | trim | lower -}}
{{- if or (eq $scope "") (not (has $level (list "debug" "info" "warn" "error" "fatal" "none"))) -}}
{{- fail (printf "logging.level is %s, but must be a level, debug, info, warn, error, fatal, none, or levels by scope, such as default:info,cni-agent:debug" $text) -}}
{{- end -}}
{{- if eq $scope "all" }}{{ $levels = dict }}{{ end -}}
{{- $_ := set $levels $scope $level -}}
{{- end -}}
{{- toYaml $levels -}}
{{- end }}

{{- define "istio-cni.logLevel" -}}
{{- $levels := include "istio-cni.levels" (list (.Values.cni.logging.level | default .Values.global.logging.level)) | fromYaml -}}
{{- coalesce (get $levels "cni-agent") (get $levels "cni") (get $levels "all") (get $levels "default") "info" -}}
{{- end }}

{{- define "istio-cni.pluginLogLevel" -}}
{{- $levels := include "istio-cni.levels" (list (.Values.cni.logging.level | default .Values.global.logging.level)) | fromYaml -}}
{{- coalesce .Values.cni.logLevel (get $levels "cni-plugin") (get $levels "all") "info" -}}
{{- end }}

{{- define "istio-cni.revision" -}}
{{- include "istio-cni.text" (coalesce .Values.cni.revision .Values.revision "default") -}}
{{- end }}

{{- define "istio-cni.nativeNftables" -}}
{{- kindIs "bool" .Values.cni.nativeNftables | ternary .Values.cni.nativeNftables .Values.global.nativeNftables -}}
{{- end }}

{{/* Whether resources of the cluster, and of the namespace, are rendered. */}}
{{- define "istio-cni.ofCluster" -}}
{{- include "istio-cni.resolve" . -}}
{{- if ne .Values.global.resourceScope "namespace" }}true{{ end -}}
{{- end }}

{{- define "istio-cni.ofNamespace" -}}
{{- include "istio-cni.resolve" . -}}
{{- if ne .Values.global.resourceScope "cluster" }}true{{ end -}}
{{- end }}

{{- define "istio-cni.image" -}}
{{- $image := .Values.cni.image | default "mesh-cni" -}}
{{- if contains "/" $image }}{{ $image }}{{ else -}}
{{ .Values.cni.hub | default "localhost" }}/{{ $image }}:{{ include "istio-cni.text" (.Values.cni.tag | default .Chart.AppVersion) }}
{{- end -}}
{{- end }}

{{/* Those of ambient mode; what is not set is left to the daemon's defaults. */}}
{{- define "istio-cni.ambientVariables" -}}
{{- $variables := dict -}}
{{- with .Values.cni.ambient -}}
{{- if .enabled -}}
{{- $_ := set $variables "AMBIENT_ENABLED" "true" -}}
{{- if kindIs "slice" .enablementSelectors }}{{ $_ := set $variables "AMBIENT_ENABLEMENT_SELECTOR" (toRawJson .enablementSelectors) }}{{ end -}}
{{- if kindIs "bool" .dnsCapture }}{{ $_ := set $variables "AMBIENT_DNS_CAPTURE" (toString .dnsCapture) }}{{ end -}}
{{- if kindIs "bool" .ipv6 }}{{ $_ := set $variables "AMBIENT_IPV6" (toString .ipv6) }}{{ end -}}
{{- $namespace := include "istio-cni.text" $.Values.global.istioNamespace | default "istio-system" -}}
{{- if ne $namespace "istio-system" }}{{ $_ := set $variables "SYSTEM_NAMESPACE" $namespace }}{{ end -}}
{{- end -}}
{{- end -}}
{{- toYaml $variables -}}
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
  "NATIVE_NFTABLES" (include "istio-cni.nativeNftables" .)
  "NODE_TAINT" (.Values.cni.nodeTaint | toString)
  "PLUGIN_LOG_LEVEL" (include "istio-cni.pluginLogLevel" .)
  "REPAIR_DELETE_PODS" (eq $mode "delete" | toString)
  "REPAIR_ENABLED" (.Values.cni.repair.enabled | toString)
  "REPAIR_INIT_CONTAINER_NAME" (include "istio-cni.text" .Values.cni.repair.initContainerName | default "istio-validation")
  "REPAIR_LABEL_KEY" (include "istio-cni.text" .Values.cni.repair.brokenPodLabelKey | default "cni.istio.io/uninitialized")
  "REPAIR_LABEL_PODS" (eq $mode "label" | toString)
  "REPAIR_LABEL_VALUE" (include "istio-cni.text" .Values.cni.repair.brokenPodLabelValue | default "true")
  "REPAIR_REPAIR_PODS" (eq $mode "repair" | toString) -}}
{{- with include "istio-cni.confName" . }}{{ $_ := set $variables "CNI_CONF_NAME" . }}{{ end -}}
{{- if .Values.cni.istioOwnedCNIConfig -}}
{{- $_ := set $variables "ISTIO_OWNED_CNI_CONFIG" "true" -}}
{{- with .Values.cni.istioOwnedCNIConfigFileName }}{{ $_ := set $variables "ISTIO_OWNED_CNI_CONFIG_FILENAME" . }}{{ end -}}
{{- end -}}
{{- $_ := include "istio-cni.ambientVariables" . | fromYaml | merge $variables -}}
{{- range $name, $value := include "istio-cni.texts" .Values.cni.env | fromYaml }}{{ $_ := set $variables $name $value }}{{ end -}}
{{- toYaml $variables -}}
{{- end }}
