// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.redirect;

import java.util.Set;

/** The names of what the engine reads of a pod, for those who keep pods: all else may be left out. */
public final class PodFields {
    /** Annotations. Of {@link RedirectPolicy#STATUS} only the presence counts. */
    public static final Set<String> ANNOTATIONS = Set.of(
            AnnotationParser.INTERCEPTION_MODE,
            AnnotationParser.INCLUDE_OUTBOUND_CIDRS,
            AnnotationParser.EXCLUDE_OUTBOUND_CIDRS,
            AnnotationParser.INCLUDE_INBOUND_PORTS,
            AnnotationParser.EXCLUDE_INBOUND_PORTS,
            AnnotationParser.INCLUDE_OUTBOUND_PORTS,
            AnnotationParser.EXCLUDE_OUTBOUND_PORTS,
            AnnotationParser.EXCLUDE_INTERFACES,
            AnnotationParser.KUBEVIRT_INTERFACES,
            AnnotationParser.VIRTUAL_INTERFACES,
            AmbientOptions.BYPASS_INBOUND,
            AmbientOptions.DNS_CAPTURE,
            AmbientMetadata.REDIRECTION,
            RedirectPolicy.INJECT,
            RedirectPolicy.STATUS);

    /** Labels. */
    public static final Set<String> LABELS = Set.of(RedirectPolicy.INJECT, AmbientMetadata.MODE);

    /** Environment variables of the proxy. */
    public static final Set<String> VARIABLES = Set.of(
            AnnotationParser.DNS_CAPTURE,
            AnnotationParser.DUAL_STACK,
            AnnotationParser.INVALID_DROP,
            AnnotationParser.OWNER_GROUPS,
            AnnotationParser.EXCLUDED_OWNER_GROUPS,
            AnnotationParser.IPV4_LOOPBACK,
            RedirectPolicy.DISABLE_ENVOY);

    /** The number of the proxy's arguments that count. */
    public static final int PROXY_ARGS = 2;

    private PodFields() {}
}
