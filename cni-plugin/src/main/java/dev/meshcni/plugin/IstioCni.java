// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.plugin;

/** The program {@code istio-cni}, as container runtimes start it (CNI specification 1.1, section 2). */
public final class IstioCni {
    private IstioCni() {}

    /** Answers the call of its environment and standard input, and ends this process. */
    public static void main(String[] args) {
        Plugin.run(new LibcHost());
    }
}
