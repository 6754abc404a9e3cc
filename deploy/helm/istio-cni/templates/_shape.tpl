{{/*
Values of both shapes in one, as Istio's chart takes them: defaults, over them the platform, over it what is set at the
top level, and over that what is set below cni.

istio-cni.resolve has to be included by a template before anything else. Once for all templates, it makes .Values.cni,
.Values.global and the others complete, sets .Values.platform, and fails for values that mean something that mesh-cni
does not do.
*/}}

{{- define "istio-cni.resolve" -}}
{{- if not (hasKey .Values "isResolved") -}}
{{- $user := deepCopy .Values -}}
{{- $user = unset (unset $user "_internal_defaults_do_not_set") "defaults" -}}
{{- $all := dict "cni" dict "global" dict -}}
{{- include "istio-cni.overShape" (list $all (include "istio-cni.usual" . | fromYaml)) -}}
{{- range list .Values._internal_defaults_do_not_set .Values.defaults -}}
{{- include "istio-cni.overShape" (list $all (. | default dict)) -}}
{{- end -}}
{{- $lower := deepCopy $all -}}
{{- include "istio-cni.overShape" (list $all $user) -}}
{{- $platform := include "istio-cni.findPlatform" $all -}}
{{- /* Once more without what a copy of Istio's defaults says about the platform and ambient mode. */ -}}
{{- range get (include "istio-cni.platformKeys" . | fromYaml) $platform | default list -}}
{{- $_ := unset $lower.cni . -}}
{{- end -}}
{{- if and (eq $platform "gke") $lower.cni.resourceQuotas }}{{ $_ := unset $lower.cni.resourceQuotas "enabled" }}{{ end -}}
{{- if include "istio-cni.ambientProfile" $all }}{{ $_ := unset ($lower.cni.ambient) "enabled" }}{{ end -}}
{{- include "istio-cni.overShape" (list $lower $user) -}}
{{- if and (include "istio-cni.ambientProfile" $all) (not (hasKey $lower.cni.ambient "enabled")) -}}
{{- $_ := set $lower.cni.ambient "enabled" true -}}
{{- end -}}
{{- range $key, $value := $lower }}{{ $_ := set $.Values $key $value }}{{ end -}}
{{- $_ := set .Values "platform" $platform -}}
{{- $_ := set .Values "isResolved" true -}}
{{- include "istio-cni.check" . -}}
{{- end -}}
{{- end }}

{{/* The defaults of values.yaml again, for values that remove one of them with a null. */}}
{{- define "istio-cni.usual" -}}
hub: localhost
image: mesh-cni
architecture: amd64
excludeNamespaces: [kube-system]
ambient: {}
nodeTaint: false
repair:
  enabled: true
  deletePods: false
  labelPods: false
  initContainerName: istio-validation
  brokenPodLabelKey: cni.istio.io/uninitialized
  brokenPodLabelValue: "true"
logging: {}
env: {}
privileged: false
tolerations: [{operator: Exists}]
seccompProfile: {type: RuntimeDefault}
podMonitor: {enabled: false, interval: 30s}
prometheusRule: {enabled: false}
dashboard: {enabled: false}
terminationGracePeriodSeconds: 30
resourceQuotas: {pods: 5000}
global:
  logging: {level: info}
  logAsJson: false
  nativeNftables: false
  networkPolicy: {enabled: false}
  resourceScope: all
sidecarInjectorWebhook: {}
{{- end }}

{{/* Arguments: a mapping that is changed, and values in any shape that are set over it. */}}
{{- define "istio-cni.overShape" -}}
{{- $target := index . 0 -}}
{{- $values := index . 1 -}}
{{- $shared := include "istio-cni.sharedKeys" . | fromYamlArray -}}
{{- range $key, $value := $values -}}
{{- if has $key $shared -}}
{{- include "istio-cni.over" (list $target (dict $key $value)) -}}
{{- else -}}
{{- include "istio-cni.over" (list $target.cni (dict $key $value)) -}}
{{- end -}}
{{- end -}}
{{- include "istio-cni.over" (list $target.cni (get $values "cni" | default dict)) -}}
{{- end }}

{{/* Keys of the top level that are no settings of the CNI alone. */}}
{{- define "istio-cni.sharedKeys" -}}
[cni, global, nodeSelector, profile, platform, revision, sidecarInjectorWebhook, istio_cni, pilot]
{{- end }}

{{/* Arguments: a mapping that is changed, and one that is set over it; a null leaves what is there. */}}
{{- define "istio-cni.over" -}}
{{- $target := index . 0 -}}
{{- range $key, $value := index . 1 -}}
{{- if and (kindIs "map" $value) (kindIs "map" (get $target $key)) -}}
{{- include "istio-cni.over" (list (get $target $key) $value) -}}
{{- else if kindIs "map" $value -}}
{{- $_ := set $target $key (deepCopy $value) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $_ := set $target $key $value -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "istio-cni.findPlatform" -}}
{{- $profile := coalesce .profile .global.profile | default "" | trimSuffix "-ambient" -}}
{{- $selected := or (eq $profile "openshift") (hasPrefix "platform-" $profile) | ternary (trimPrefix "platform-" $profile) "" -}}
{{- $platform := coalesce .platform .global.platform $selected | default "default" -}}
{{- /* By this name Istio calls Google's cloud; it says nothing about directories. */ -}}
{{- eq $platform "gcp" | ternary "default" $platform -}}
{{- end }}

{{- define "istio-cni.ambientProfile" -}}
{{- if has (coalesce .profile .global.profile) (list "ambient" "openshift-ambient") }}true{{ end -}}
{{- end }}

{{/* The settings that a platform has values for. */}}
{{- define "istio-cni.platformKeys" -}}
gke: [cniBinDir]
openshift: [chained, cniBinDir, cniConfDir, cniConfFileName, provider, seLinuxOptions]
k3s: [cniBinDir, cniConfDir]
k3d: [cniBinDir, cniConfDir]
microk8s: [cniBinDir, cniConfDir]
minikube: [cniNetnsDir]
{{- end }}

{{- define "istio-cni.check" -}}
{{- $profiles := list "ambient" "default" "demo" "empty" "external" "minimal" "openshift" "openshift-ambient" "preview" "remote" "stable" -}}
{{- range list "default" "gke" "openshift" "k3s" "k3d" "microk8s" "minikube" "eks" "aks" "gcp" -}}
{{- $profiles = append $profiles (printf "platform-%s" .) -}}
{{- end -}}
{{- range list .Values.profile .Values.global.profile -}}
{{- if not (or (empty .) (has . $profiles) (hasPrefix "compatibility-version-" .)) -}}
{{- fail (printf "profile is %s, but must be one of %s" . (join ", " $profiles)) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.cni.istioOwnedCNIConfig (not (include "istio-cni.chained" .)) -}}
{{- fail "istioOwnedCNIConfig is true, but the plugin is not chained: set chained to true as well" -}}
{{- end -}}
{{- if regexMatch "^(.*/)?(install-cni|operator|pilot|proxyv2|ztunnel)([:@].*)?$" .Values.cni.image -}}
{{- fail (printf "image is %s, which is an image of Istio's; set the image of mesh-cni, or remove the key" .Values.cni.image) -}}
{{- end -}}
{{- if regexMatch "^(docker\\.io/istio|gcr\\.io/istio-(release|testing)|registry\\.istio\\.io(/.*)?)/*$" .Values.cni.hub -}}
{{- fail (printf "hub is %s, which holds Istio's images; set the registry to which the image of mesh-cni was pushed" .Values.cni.hub) -}}
{{- end -}}
{{- range list .Values.global.logging.level .Values.cni.logging.level -}}
{{- $_ := include "istio-cni.levels" (list .) -}}
{{- end -}}
{{- end }}
