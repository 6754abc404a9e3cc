// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.netns.linux;

import dev.meshcni.redirect.RedirectPlan;
import dev.meshcni.rules.IpFamily;
import java.util.List;
import java.util.Map;

/** The programs of a node that were tried and that a backend redirects with. */
interface NodeTools {
    /** Their name, for messages. */
    String name();

    /** Name and version of the chosen program, as it prints them. */
    String version();

    /** By family, why they do not work for it here; a family that works is absent. */
    Map<IpFamily, String> problems();

    /** The layers for a plan: what a namespace has to hold of it, and what it must not hold. */
    List<Layer> layers(RedirectPlan plan);
}
