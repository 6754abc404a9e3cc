/** The path of a packet through the rules of a pod, and those rules for people: as text, tree, JSON and diagram. */
module dev.meshcni.trace {
    requires transitive dev.meshcni.redirect;
    requires com.fasterxml.jackson.databind;

    exports dev.meshcni.trace;
}
