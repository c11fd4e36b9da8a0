/* step_table.h: the two tables of step.h, and nothing else; docs/feeds.md shows them. */
#ifndef ECLUSE_STEP_TABLE_H
#define ECLUSE_STEP_TABLE_H

/* constant, name, stage, final, sentiment, La Poste's code, then label and next sentence in FR, NL,
 * DE, EN. No sentence says "today" or "tomorrow": an answer may be read days after it was true. */
#define STEPS(X)                                                                                   \
    X(UNKNOWN, "unknown", TRANSIT, false, 0, "ET4", "En cours d’acheminement",                     \
      "La prochaine étape s’affichera ici.", "Onderweg", "De volgende stap verschijnt hier.",      \
      "Unterwegs", "Der nächste Schritt erscheint hier.", "On its way",                            \
      "The next step will appear here.")                                                           \
    X(ANNOUNCED, "announced", ANNOUNCED, false, 1, "DR1", "Annoncé par l’expéditeur",              \
      "Nous attendons que l’expéditeur nous remette le colis.", "Aangemeld door de afzender",      \
      "We wachten tot de afzender het pakket aan ons overdraagt.", "Vom Absender angekündigt",     \
      "Wir warten darauf, dass der Absender uns das Paket übergibt.", "Announced by the sender",   \
      "We are waiting for the sender to hand the parcel over to us.")                              \
    X(ACCEPTED, "accepted", TAKEN, false, 1, "PC1", "Pris en charge",                              \
      "Le colis va être acheminé vers un centre de tri.", "In ontvangst genomen",                  \
      "Het pakket gaat nu naar een sorteercentrum.", "Angenommen",                                 \
      "Das Paket wird nun zu einem Sortierzentrum gebracht.", "Accepted",                          \
      "The parcel will now go to a sorting centre.")                                               \
    X(IN_TRANSIT, "in_transit", TRANSIT, false, 1, "ET4", "En cours d’acheminement",               \
      "Le colis poursuit sa route vers le site qui le distribuera.", "Onderweg",                   \
      "Het pakket is op weg naar het kantoor dat het zal bezorgen.", "Unterwegs",                  \
      "Das Paket ist auf dem Weg zu dem Stützpunkt, der es zustellt.", "In transit",               \
      "The parcel is on its way to the depot that will deliver it.")                               \
    X(CUSTOMS, "customs", TRANSIT, false, 0, "DO1", "En douane",                                   \
      "Le colis repartira dès que la douane l’aura libéré.", "Bij de douane",                      \
      "Het pakket reist verder zodra de douane het vrijgeeft.", "Beim Zoll",                       \
      "Das Paket wird weiterbefördert, sobald der Zoll es freigibt.", "At customs",                \
      "The parcel will move on as soon as customs release it.")                                    \
    X(SORTING, "sorting", TRANSIT, false, 1, "ET1", "Au centre de tri",                            \
      "Le colis est trié, puis part vers sa prochaine étape.", "In het sorteercentrum",            \
      "Het pakket wordt gesorteerd en reist daarna verder.", "Im Sortierzentrum",                  \
      "Das Paket wird sortiert und reist dann weiter.", "At a sorting centre",                     \
      "The parcel is being sorted and will then travel on.")                                       \
    X(OUT_FOR_DELIVERY, "out_for_delivery", NEAR, false, 1, "MD2", "En cours de livraison",        \
      "Le livreur a le colis et vous le remettra pendant sa tournée.", "Onderweg voor bezorging",  \
      "De bezorger heeft het pakket bij zich op zijn ronde.", "In Zustellung",                     \
      "Der Zusteller hat das Paket auf seiner Tour dabei.", "Out for delivery",                    \
      "The driver has the parcel and will deliver it on this round.")                              \
    X(ATTEMPTED, "attempted", NEAR, false, -1, "ND1", "Livraison impossible pour l’instant",       \
      "Nous repasserons, ou le colis vous attendra dans un point de retrait.",                     \
      "Bezorging niet gelukt",                                                                     \
      "We proberen het opnieuw of brengen het pakket naar een afhaalpunt.",                        \
      "Zustellung nicht gelungen",                                                                 \
      "Wir versuchen es noch einmal oder bringen das Paket in eine Abholstelle.",                  \
      "Delivery was not possible", "We will try again, or take the parcel to a pickup point.")     \
    X(PICKUP, "pickup", NEAR, false, 1, "AG1", "Disponible au point de retrait",                   \
      "Venez le retirer avec une pièce d’identité.", "Ligt klaar op het afhaalpunt",               \
      "Haal het af en neem een identiteitsbewijs mee.", "Liegt zur Abholung bereit",               \
      "Bitte bringen Sie zum Abholen einen Ausweis mit.", "Ready for pickup",                      \
      "Please bring an identity document when you collect it.")                                    \
    X(DELIVERED, "delivered", DONE, true, 1, "DI1", "Livré", "", "Bezorgd", "", "Zugestellt", "",  \
      "Delivered", "")                                                                             \
    X(RETURNED, "returned", DONE, true, -1, "RE1", "Retourné à l’expéditeur", "",                  \
      "Teruggestuurd naar de afzender", "", "Zurück an den Absender", "",                          \
      "Returned to the sender", "")                                                                \
    X(INCIDENT, "incident", TRANSIT, false, -1, "PB1", "Incident en cours de route",               \
      "Nous cherchons une solution ; la suite s’affichera ici.", "Probleem onderweg",              \
      "We zoeken een oplossing; het vervolg verschijnt hier.", "Problem unterwegs",                \
      "Wir suchen eine Lösung; wie es weitergeht, erscheint hier.", "Problem on the way",          \
      "We are looking for a solution; what follows will appear here.")

/* code, step, what the carrier means by it. Sources: La Poste: the codes that public clients of
 * Suivi v2 know. UPU: event names of EMSEVT version 3, as designated operators publish them. EPCIS:
 * GS1 Core Business Vocabulary 2.0, sections 7.1 and 7.2; of it, what can happen to a parcel. */
#define CODES_OF_LAPOSTE(X)                                                                        \
    X("DR1", ANNOUNCED, "declared by the sender")                                                  \
    X("PC1", ACCEPTED, "taken in charge")                                                          \
    X("PC2", ACCEPTED, "taken in charge in the country of origin")                                 \
    X("ET1", SORTING, "being processed")                                                           \
    X("ET2", SORTING, "being processed in the country of origin")                                  \
    X("ET3", SORTING, "being processed in the country of arrival")                                 \
    X("ET4", IN_TRANSIT, "in transit")                                                             \
    X("EP1", SORTING, "waiting for presentation")                                                  \
    X("DO1", CUSTOMS, "entering customs")                                                          \
    X("DO2", IN_TRANSIT, "leaving customs")                                                        \
    X("DO3", CUSTOMS, "held by customs")                                                           \
    X("PB1", INCIDENT, "problem")                                                                  \
    X("PB2", IN_TRANSIT, "problem solved")                                                         \
    X("MD2", OUT_FOR_DELIVERY, "out for delivery")                                                 \
    X("ND1", ATTEMPTED, "could not be delivered")                                                  \
    X("AG1", PICKUP, "waiting at the counter")                                                     \
    X("RE1", RETURNED, "returned to the sender")                                                   \
    X("DI1", DELIVERED, "delivered")                                                               \
    X("DI2", RETURNED, "delivered to the sender")

#define CODES_OF_UPU(X)                                                                            \
    X("EMA", ACCEPTED, "posting, collection")                                                      \
    X("EMB", SORTING, "arrival at the outward office of exchange")                                 \
    X("EXA", CUSTOMS, "presented to export customs")                                               \
    X("EXB", CUSTOMS, "held by export customs")                                                    \
    X("EXC", IN_TRANSIT, "returned from export customs")                                           \
    X("EXD", SORTING, "held at the outward office of exchange")                                    \
    X("EXX", INCIDENT, "export cancelled")                                                         \
    X("EMC", IN_TRANSIT, "departure from the outward office of exchange")                          \
    X("EMJ", IN_TRANSIT, "arrival at a transit office of exchange")                                \
    X("EMK", IN_TRANSIT, "departure from a transit office of exchange")                            \
    X("EMD", SORTING, "arrival at the inward office of exchange")                                  \
    X("EDA", SORTING, "held at the inward office of exchange")                                     \
    X("EDB", CUSTOMS, "presented to import customs")                                               \
    X("EME", CUSTOMS, "held by import customs")                                                    \
    X("EDC", IN_TRANSIT, "returned from import customs")                                           \
    X("EDX", INCIDENT, "import terminated")                                                        \
    X("EMF", IN_TRANSIT, "departure from the inward office of exchange")                           \
    X("EDD", SORTING, "into a sorting centre")                                                     \
    X("EDE", IN_TRANSIT, "out of a sorting centre")                                                \
    X("EMG", SORTING, "arrival at the delivery office")                                            \
    X("EDF", SORTING, "held at the delivery office")                                               \
    X("EDG", OUT_FOR_DELIVERY, "out for physical delivery")                                        \
    X("EMH", ATTEMPTED, "unsuccessful delivery")                                                   \
    X("EDH", PICKUP, "arrival at a collection point")                                              \
    X("EMI", DELIVERED, "final delivery")

#define CODES_OF_EPCIS_STEPS(X)                                                                    \
    X("commissioning", ANNOUNCED, "a number is given to the parcel")                               \
    X("encoding", ANNOUNCED, "the number is written on its label")                                 \
    X("packing", ANNOUNCED, "goods are put into the parcel")                                       \
    X("assembling", ANNOUNCED, "the parcel is made up")                                            \
    X("reserving", ANNOUNCED, "the number is set aside")                                           \
    X("picking", ANNOUNCED, "goods are taken for the parcel")                                      \
    X("accepting", ACCEPTED, "possession is taken")                                                \
    X("collecting", ACCEPTED, "collected from the sender")                                         \
    X("consigning", ACCEPTED, "handed over for carriage")                                          \
    X("receiving", SORTING, "received at a location")                                              \
    X("arriving", SORTING, "arrived at a location")                                                \
    X("unloading", SORTING, "unloaded from a vehicle")                                             \
    X("unpacking", SORTING, "taken out of a container")                                            \
    X("repackaging", SORTING, "packed anew")                                                       \
    X("storing", SORTING, "kept in storage")                                                       \
    X("stocking", SORTING, "put where it can be handed out")                                       \
    X("stock_taking", SORTING, "counted")                                                          \
    X("cycle_counting", SORTING, "counted")                                                        \
    X("staging_outbound", SORTING, "made ready to leave")                                          \
    X("loading", SORTING, "loaded into a vehicle")                                                 \
    X("departing", IN_TRANSIT, "left a location")                                                  \
    X("shipping", IN_TRANSIT, "sent on")                                                           \
    X("transporting", IN_TRANSIT, "being carried")                                                 \
    X("entering_exiting", IN_TRANSIT, "passed a gate")                                             \
    X("inspecting", SORTING, "inspected")                                                          \
    X("holding", INCIDENT, "held back")                                                            \
    X("retail_selling", DELIVERED, "handed over to the customer")                                  \
    X("dispensing", DELIVERED, "handed over to the customer")                                      \
    X("void_shipping", SORTING, "a shipping is declared void")                                     \
    X("destroying", INCIDENT, "destroyed")                                                         \
    X("decommissioning", INCIDENT, "the number is taken away")

#define CODES_OF_EPCIS_DISPOSITIONS(X)                                                             \
    X("active", ANNOUNCED, "the number is in use")                                                 \
    X("encoded", ANNOUNCED, "the label is written")                                                \
    X("container_closed", ACCEPTED, "loaded and closed")                                           \
    X("in_progress", SORTING, "being processed")                                                   \
    X("in_transit", IN_TRANSIT, "on its way")                                                      \
    X("available", PICKUP, "ready to be handed out")                                               \
    X("retail_sold", DELIVERED, "handed over")                                                     \
    X("dispensed", DELIVERED, "handed over")                                                       \
    X("returned", RETURNED, "sent back")                                                           \
    X("unavailable", INCIDENT, "cannot be handed out")                                             \
    X("damaged", INCIDENT, "damaged")                                                              \
    X("destroyed", INCIDENT, "destroyed")                                                          \
    X("disposed", INCIDENT, "disposed of")                                                         \
    X("stolen", INCIDENT, "stolen")                                                                \
    X("recalled", INCIDENT, "recalled")                                                            \
    X("expired", INCIDENT, "expired")                                                              \
    X("non_conformant", INCIDENT, "not as it should be")                                           \
    X("non_sellable_other", INCIDENT, "not as it should be")                                       \
    X("mismatch_instance", INCIDENT, "not the parcel that was expected")                           \
    X("mismatch_class", INCIDENT, "not what was expected")                                         \
    X("mismatch_quantity", INCIDENT, "not as many as expected")                                    \
    X("needs_replacement", INCIDENT, "must be replaced")

#endif
