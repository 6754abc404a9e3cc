// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

/** One change that brings a pod nearer to what is wanted of it. Each can be repeated. */
enum Step {
    APPLY_RULES,
    /** ztunnel is given the pod, and has acknowledged it. */
    SERVE,
    /** The same from the beginning: ztunnel says that it serves the pod, and its ports are not open. */
    SERVE_ANEW,
    EXEMPT_PROBES,
    SHOW_STATUS,
    REMOVE_RULES,
    /** ztunnel is to let go of the pod. */
    FORGET,
    END_EXEMPTION,
    /** This process lets go of the namespace: always the last step, as all others may need it. */
    RELEASE
}
